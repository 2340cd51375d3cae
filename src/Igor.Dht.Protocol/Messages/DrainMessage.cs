using MessagePack;

namespace Igor.Dht.Protocol.Messages;

/// <summary>
/// Asks a member how far it is with going for good, and has it go, or stay after all. It is a matter between
/// processes of one host, like the question how it is.
/// </summary>
/// <param name="Wish">What is wanted.</param>
/// <param name="Within">The time that going may take.</param>
/// <param name="Known">
/// The revision of the answer that is known: the next comes when there is another. 0 for none.
/// </param>
public readonly record struct DrainMessage(DrainWish Wish, TimeSpan Within, ulong Known)
{
    /// <summary>The message.</summary>
    public ReadOnlyMemory<byte> Encode()
    {
        var buffer = new PayloadBuffer();
        MessagePackWriter writer = buffer.Begin(MessageKind.Drain, 3);
        writer.Write((int)Wish);
        writer.Write((long)Within.TotalMilliseconds);
        writer.Write(Known);
        writer.Flush();
        return buffer.Written.ToArray();
    }

    /// <summary>The progress in an answer, and its revision; null when that is no answer.</summary>
    public static (ulong Revision, DrainProgress Progress)? TryDecode(ReadOnlyMemory<byte> answer) =>
        Decoding.TryRead(
            answer, MessageKind.DrainIs, ReadProgress, out (ulong Revision, DrainProgress Progress) told)
                ? told
                : null;

    /// <summary>Whether a message is one, at a glance.</summary>
    internal static bool IsOne(ReadOnlySpan<byte> payload) =>
        payload.Length > 1 && payload[1] == (byte)MessageKind.Drain;

    internal static DrainMessage Read(ref MessagePackReader reader)
    {
        var wish = (DrainWish)reader.ReadInt32();
        return new DrainMessage(wish, TimeSpan.FromMilliseconds(reader.ReadInt64()), reader.ReadUInt64());
    }

    internal static void Write(PayloadBuffer buffer, ulong revision, DrainProgress progress)
    {
        MessagePackWriter writer = buffer.Begin(MessageKind.DrainIs, 8);
        writer.Write(revision);
        writer.Write((int)progress.Stage);
        writer.Write(progress.Peers);
        writer.Write(progress.PeersDone);
        writer.Write(progress.Records);
        writer.Write(progress.CopiesGiven);
        writer.Write(progress.Cells);
        writer.Write(progress.Obstacle);
        writer.Flush();
    }

    /// <summary>Tells the members near whether this one goes for good.</summary>
    internal static void WriteDraining(PayloadBuffer buffer, bool isDraining)
    {
        MessagePackWriter writer = buffer.Begin(MessageKind.Draining, 1);
        writer.Write(isDraining);
        writer.Flush();
    }

    internal static bool ReadDraining(ref MessagePackReader reader) => reader.ReadBoolean();

    private static (ulong Revision, DrainProgress Progress) ReadProgress(ref MessagePackReader reader)
    {
        ulong revision = reader.ReadUInt64();
        return (revision, new DrainProgress
        {
            Stage = (DrainStage)reader.ReadInt32(),
            Peers = reader.ReadInt32(),
            PeersDone = reader.ReadInt32(),
            Records = reader.ReadInt32(),
            CopiesGiven = reader.ReadInt64(),
            Cells = reader.ReadInt32(),
            Obstacle = MessageParts.ReadText(ref reader),
        });
    }
}

/// <summary>What is wanted of a member that may go for good.</summary>
public enum DrainWish
{
    /// <summary>Only to know how far it is.</summary>
    None,

    /// <summary>That it goes.</summary>
    Go,

    /// <summary>That it stays.</summary>
    Stay,
}
