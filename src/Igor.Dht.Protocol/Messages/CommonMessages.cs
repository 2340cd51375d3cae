using Igor.Dht.Protocol.Records;
using Igor.Dht.Protocol.Ring;
using Igor.Kbr;
using MessagePack;

namespace Igor.Dht.Protocol.Messages;

/// <summary>Messages that answer any request.</summary>
internal static class CommonMessages
{
    /// <summary>
    /// Writes that this member is about to leave, and has handed over what it is the root of: the question
    /// whether it may go without being missed, or that all whom it asked agreed.
    /// </summary>
    public static void WriteLeaving(PayloadBuffer buffer, bool isAgreed)
    {
        MessagePackWriter writer = buffer.Begin(MessageKind.Leaving, 1);
        writer.Write(isAgreed);
        writer.Flush();
    }

    /// <summary>Which members do you know near you?</summary>
    public static void WriteMembers(PayloadBuffer buffer) => buffer.Begin(MessageKind.Members, 0).Flush();

    /// <summary>
    /// The members that are alive, as the sender knows, and since when it is in sync with them; 0 if it is
    /// not. And for how many seconds it still knows that there are records of one copy, of two, three and
    /// four.
    /// </summary>
    public static void WriteMembersAre(
        PayloadBuffer buffer, ReadOnlySpan<Key> members, long inSyncSinceUnixMs, ReadOnlySpan<int> fewCopies)
    {
        MessagePackWriter writer = buffer.Begin(MessageKind.MembersAre, 3);
        writer.WriteArrayHeader(members.Length);
        foreach (Key member in members)
        {
            KeyCodec.Write(ref writer, member);
        }

        writer.Write(inSyncSinceUnixMs);
        writer.WriteArrayHeader(fewCopies.Length);
        foreach (int seconds in fewCopies)
        {
            writer.Write(seconds);
        }

        writer.Flush();
    }

    /// <summary>
    /// Reads the members that the sender knows, since when it is in sync, and for how long it knows of
    /// records with few copies.
    /// </summary>
    public static (Key[] Members, long SinceUnixMs, int[] FewCopies) ReadMembersAre(
        ref MessagePackReader reader)
    {
        Key[] members = MessageParts.ReadKeys(ref reader, Membership.MissingMax);
        long since = reader.ReadInt64();
        int[] fewCopies = new int[MessageParts.ReadCount(ref reader, Neighbourhood.Replicas - 1)];
        for (int at = 0; at < fewCopies.Length; at++)
        {
            fewCopies[at] = reader.ReadUInt16();
        }

        return (members, since, fewCopies);
    }

    /// <summary>There are records near a key of the sender's that ask for so few copies.</summary>
    public static void WriteFewCopies(PayloadBuffer buffer, Key key, int replicas)
    {
        MessagePackWriter writer = buffer.Begin(MessageKind.FewCopies, 2);
        KeyCodec.Write(ref writer, key);
        writer.Write(replicas);
        writer.Flush();
    }

    /// <summary>Reads about which key it is said, and how few copies are asked for.</summary>
    public static (Key Key, int Replicas) ReadFewCopies(ref MessagePackReader reader)
    {
        Key key = KeyCodec.Read(ref reader);
        int replicas = reader.ReadInt32();
        return replicas is >= 1 and < Neighbourhood.Replicas
            ? (key, replicas)
            : throw new MessagePackSerializationException($"{replicas} copies are not few");
    }

    /// <summary>There is a newer version.</summary>
    public static void WriteConflict(PayloadBuffer buffer, RecordVersion version)
    {
        MessagePackWriter writer = buffer.Begin(MessageKind.Conflict, 2);
        MessageParts.Write(ref writer, version);
        writer.Flush();
    }

    /// <summary>No, and asking again does not help.</summary>
    public static void WriteRefused(
        PayloadBuffer buffer, RefusalReason reason, string text, long unixMs = 0)
    {
        MessagePackWriter writer = buffer.Begin(MessageKind.Refused, 3);
        writer.Write((int)reason);
        writer.Write(text);
        writer.Write(unixMs);
        writer.Flush();
    }

    /// <summary>Not now, or not here: ask again.</summary>
    public static void WriteBusy(PayloadBuffer buffer, string text)
    {
        MessagePackWriter writer = buffer.Begin(MessageKind.Busy, 1);
        writer.Write(text);
        writer.Flush();
    }

    /// <summary>Done.</summary>
    public static void WriteDone(PayloadBuffer buffer)
    {
        MessagePackWriter writer = buffer.Begin(MessageKind.Done, 0);
        writer.Flush();
    }

    /// <summary>Reads whether all have agreed that the sender leaves.</summary>
    public static bool ReadLeaving(ref MessagePackReader reader) => reader.ReadBoolean();

    /// <summary>Reads why a request was refused, and what time it is there; 0 when it does not say.</summary>
    public static (RefusalReason Reason, string Text, long UnixMs) ReadRefused(ref MessagePackReader reader)
    {
        var reason = (RefusalReason)reader.ReadInt32();
        string text = MessageParts.ReadText(ref reader);
        return (reason, text, reader.End ? 0 : reader.ReadInt64());
    }

    /// <summary>Reads the kind of a message, leaving the reader at its first field.</summary>
    public static MessageKind ReadKind(ref MessagePackReader reader)
    {
        if (reader.ReadArrayHeader() < 1)
        {
            throw new MessagePackSerializationException("a message has at least its kind");
        }

        return (MessageKind)reader.ReadInt32();
    }
}
