using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Ring;
using Igor.Dht.Protocol.Views;
using Igor.Kbr;
using MessagePack;

namespace Igor.Dht.Protocol.Registers;

/// <summary>
/// Which registers do you hold of these keys, which you promised me? Some of them, in order.
/// </summary>
internal readonly record struct ListRegisters(ulong Incarnation, KeySpan Span, Ballot Ballot);

/// <summary>
/// The registers that a voter holds of the keys from the beginning of the span to <paramref name="Last"/>.
/// </summary>
/// <param name="From">Who holds them.</param>
/// <param name="IsPromised">Whether the ballot has the promise of all keys; nothing is told else.</param>
/// <param name="Last">The end of the span, or the last key for which there was room.</param>
/// <param name="Registers">The versions.</param>
internal readonly record struct RegisterList(
    Voter From, bool IsPromised, Key Last, IReadOnlyList<(Key Key, RegisterVersion Version)> Registers);

/// <summary>Give me these registers, of keys that you promised me.</summary>
internal readonly record struct FetchRegisters(
    ulong Incarnation, KeySpan Span, Ballot Ballot, IReadOnlyList<Key> Keys);

/// <summary>
/// Registers as a voter holds them; null for none. Those without room are missing at the end.
/// </summary>
internal readonly record struct RegisterContents(Voter From, IReadOnlyList<Register?> Registers);

/// <summary>How the registers of a piece are made the same on its voters.</summary>
internal static class TransferMessages
{
    /// <summary>Registers in a list, and keys in a fetch, at most.</summary>
    public const int CountMax = 256;

    /// <summary>Bytes of values after which no further register goes into a message.</summary>
    public const int BytesMax = 256 * 1024;

    private const int ListedFields = 5;

    public static void Write(PayloadBuffer buffer, in ListRegisters list)
    {
        MessagePackWriter writer = buffer.Begin(MessageKind.ListRegisters, 6);
        writer.Write(list.Incarnation);
        VoterParts.Write(ref writer, list.Span);
        VoterParts.Write(ref writer, list.Ballot);
        writer.Flush();
    }

    public static ListRegisters ReadListRegisters(ref MessagePackReader reader)
    {
        ulong incarnation = reader.ReadUInt64();
        KeySpan span = VoterParts.ReadSpan(ref reader);
        return new ListRegisters(incarnation, span, VoterParts.ReadBallot(ref reader));
    }

    public static void Write(PayloadBuffer buffer, in RegisterList list)
    {
        MessagePackWriter writer = buffer.Begin(MessageKind.RegisterList, 5);
        VoterParts.Write(ref writer, list.From);
        writer.Write(list.IsPromised);
        KeyCodec.Write(ref writer, list.Last);
        writer.WriteArrayHeader(list.Registers.Count * ListedFields);
        foreach ((Key key, RegisterVersion version) in list.Registers)
        {
            KeyCodec.Write(ref writer, key);
            VoterParts.Write(ref writer, version);
        }

        writer.Flush();
    }

    public static RegisterList ReadRegisterList(ref MessagePackReader reader)
    {
        Voter from = VoterParts.ReadVoter(ref reader);
        bool isPromised = reader.ReadBoolean();
        Key last = KeyCodec.Read(ref reader);
        int count = MessageParts.ReadCount(ref reader, CountMax * ListedFields) / ListedFields;
        var registers = new (Key Key, RegisterVersion Version)[count];
        for (int at = 0; at < registers.Length; at++)
        {
            Key key = KeyCodec.Read(ref reader);
            registers[at] = (key, VoterParts.ReadRegisterVersion(ref reader));
        }

        return new RegisterList(from, isPromised, last, registers);
    }

    public static void Write(PayloadBuffer buffer, in FetchRegisters fetch)
    {
        MessagePackWriter writer = buffer.Begin(MessageKind.FetchRegisters, 7);
        writer.Write(fetch.Incarnation);
        VoterParts.Write(ref writer, fetch.Span);
        VoterParts.Write(ref writer, fetch.Ballot);
        MessageParts.Write(ref writer, fetch.Keys);
        writer.Flush();
    }

    public static FetchRegisters ReadFetchRegisters(ref MessagePackReader reader)
    {
        ulong incarnation = reader.ReadUInt64();
        KeySpan span = VoterParts.ReadSpan(ref reader);
        Ballot ballot = VoterParts.ReadBallot(ref reader);
        Key[] keys = MessageParts.ReadKeys(ref reader, CountMax);
        return Array.TrueForAll(keys, key => key >= span.First && key <= span.Last)
            ? new FetchRegisters(incarnation, span, ballot, keys)
            : throw new MessagePackSerializationException("a key is not of the span that was promised");
    }

    public static void Write(PayloadBuffer buffer, in RegisterContents contents)
    {
        MessagePackWriter writer = buffer.Begin(MessageKind.RegisterContents, 3);
        VoterParts.Write(ref writer, contents.From);
        writer.WriteArrayHeader(contents.Registers.Count);
        foreach (Register? register in contents.Registers)
        {
            VoterParts.Write(ref writer, register);
        }

        writer.Flush();
    }

    public static RegisterContents ReadRegisterContents(ref MessagePackReader reader)
    {
        Voter from = VoterParts.ReadVoter(ref reader);
        var registers = new Register?[MessageParts.ReadCount(ref reader, CountMax)];
        for (int at = 0; at < registers.Length; at++)
        {
            registers[at] = VoterParts.ReadRegister(ref reader);
        }

        return new RegisterContents(from, registers);
    }
}
