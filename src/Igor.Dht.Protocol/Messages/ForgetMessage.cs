using Igor.Kbr;
using MessagePack;

namespace Igor.Dht.Protocol.Messages;

/// <summary>
/// An operator's word that a member is dead for good; or the question what that would mean. To whoever is
/// nearest to the member.
/// </summary>
/// <param name="Member">The member.</param>
/// <param name="IsMeant">Whether it is said, not only asked.</param>
public readonly record struct ForgetMessage(Key Member, bool IsMeant)
{
    /// <summary>The message, for one who has no other.</summary>
    public ReadOnlyMemory<byte> Encode()
    {
        var buffer = new PayloadBuffer();
        Write(buffer);
        return buffer.Written.ToArray();
    }

    /// <summary>What was answered; null when that is no answer to it.</summary>
    public static ForgetResult? TryDecode(ReadOnlyMemory<byte> answer) =>
        Decoding.TryRead(answer, MessageKind.Forgotten, ForgottenMessage.Read, out ForgetResult? result)
            ? result
            : null;

    internal void Write(PayloadBuffer buffer)
    {
        MessagePackWriter writer = buffer.Begin(MessageKind.Forget, 2);
        KeyCodec.Write(ref writer, Member);
        writer.Write(IsMeant);
        writer.Flush();
    }

    internal static ForgetMessage Read(ref MessagePackReader reader)
    {
        Key member = KeyCodec.Read(ref reader);
        return new ForgetMessage(member, reader.ReadBoolean());
    }

    /// <summary>The root of the member's place says: it is dead for good, forget it.</summary>
    internal static void WriteToMember(PayloadBuffer buffer, Key member)
    {
        MessagePackWriter writer = buffer.Begin(MessageKind.ForgetMember, 1);
        KeyCodec.Write(ref writer, member);
        writer.Flush();
    }
}

/// <summary>The answer to Forget.</summary>
internal static class ForgottenMessage
{
    public static void Write(PayloadBuffer buffer, ForgetResult result)
    {
        MessagePackWriter writer = buffer.Begin(MessageKind.Forgotten, 9);
        writer.Write(result.IsThere);
        writer.Write(result.IsMissed);
        writer.Write(result.Missing);
        writer.Write(result.Records);
        writer.Write(result.RecordsInDoubt);
        writer.Write(result.Told);
        writer.Write(result.Asked);
        writer.Write(result.Cells);
        writer.Write(result.CellsInDoubt);
        writer.Flush();
    }

    public static ForgetResult Read(ref MessagePackReader reader) => new()
    {
        IsThere = reader.ReadBoolean(),
        IsMissed = reader.ReadBoolean(),
        Missing = reader.ReadInt32(),
        Records = reader.ReadInt64(),
        RecordsInDoubt = reader.ReadInt64(),
        Told = reader.ReadInt32(),
        Asked = reader.ReadInt32(),
        Cells = reader.ReadInt32(),
        CellsInDoubt = reader.ReadInt32(),
    };
}
