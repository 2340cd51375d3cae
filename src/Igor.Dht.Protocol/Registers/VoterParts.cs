using System.Collections.Immutable;
using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Ring;
using Igor.Dht.Protocol.Views;
using Igor.Kbr;
using MessagePack;

namespace Igor.Dht.Protocol.Registers;

/// <summary>
/// What the messages of voters, and the entries of a voter's log, are made of. A view, a piece and a register
/// are arrays of their own, whose further fields are passed over; the others are fields of what they are in.
/// </summary>
internal static class VoterParts
{
    /// <summary>Largest value of a register, in bytes.</summary>
    public const int ValueBytesMax = 64 * 1024;

    private const int ViewFields = 5;
    private const int NextFields = 4;
    private const int PieceFields = 9;
    private const int RegisterFields = 7;
    private const int AppliedFields = 7;

    public static void Write(ref MessagePackWriter writer, Voter voter)
    {
        KeyCodec.Write(ref writer, voter.Node);
        writer.Write(voter.Incarnation);
    }

    public static Voter ReadVoter(ref MessagePackReader reader)
    {
        Key node = KeyCodec.Read(ref reader);
        return new Voter(node, reader.ReadUInt64());
    }

    public static void Write(ref MessagePackWriter writer, Ballot ballot)
    {
        writer.Write(ballot.Counter);
        Write(ref writer, ballot.Proposer);
    }

    public static Ballot ReadBallot(ref MessagePackReader reader)
    {
        ulong counter = reader.ReadUInt64();
        return new Ballot(counter, ReadVoter(ref reader));
    }

    public static void Write(ref MessagePackWriter writer, KeySpan span)
    {
        KeyCodec.Write(ref writer, span.First);
        KeyCodec.Write(ref writer, span.Last);
    }

    public static KeySpan ReadSpan(ref MessagePackReader reader)
    {
        Key first = KeyCodec.Read(ref reader);
        Key last = KeyCodec.Read(ref reader);
        return first <= last
            ? new KeySpan(first, last)
            : throw new MessagePackSerializationException("a span of keys ends before it begins");
    }

    public static void Write(ref MessagePackWriter writer, View view)
    {
        writer.WriteArrayHeader(ViewFields);
        Write(ref writer, view.Lineage);
        writer.Write(view.Epoch);
        writer.WriteArrayHeader(view.Voters.Length * 2);
        foreach (Voter voter in view.Voters)
        {
            Write(ref writer, voter);
        }

        writer.WriteArrayHeader(view.Ancestors.Length * 2);
        foreach (Lineage ancestor in view.Ancestors)
        {
            Write(ref writer, ancestor);
        }
    }

    public static View ReadView(ref MessagePackReader reader)
    {
        int further = ReadFields(ref reader, ViewFields);
        Lineage lineage = ReadLineage(ref reader);
        ulong epoch = reader.ReadUInt64();
        var voters = new Voter[MessageParts.ReadCount(ref reader, View.VotersMax * 2) / 2];
        for (int at = 0; at < voters.Length; at++)
        {
            voters[at] = ReadVoter(ref reader);
        }

        var ancestors = new Lineage[MessageParts.ReadCount(ref reader, View.AncestorsMax * 2) / 2];
        for (int at = 0; at < ancestors.Length; at++)
        {
            ancestors[at] = ReadLineage(ref reader);
        }

        Skip(ref reader, further);
        return new View(lineage, epoch, voters, ancestors);
    }

    public static void Write(ref MessagePackWriter writer, Lineage lineage)
    {
        writer.Write(lineage.High);
        writer.Write(lineage.Low);
    }

    public static Lineage ReadLineage(ref MessagePackReader reader)
    {
        ulong high = reader.ReadUInt64();
        return new Lineage(high, reader.ReadUInt64());
    }

    public static void Write(ref MessagePackWriter writer, Piece piece)
    {
        writer.WriteArrayHeader(PieceFields);
        Write(ref writer, piece.View);
        Write(ref writer, piece.Promised);
        Write(ref writer, piece.Standing);
        writer.Write(piece.StandingEpoch);
        if (piece.Next is { } next)
        {
            writer.WriteArrayHeader(NextFields);
            Write(ref writer, next.Ballot);
            Write(ref writer, next.View);
        }
        else
        {
            writer.WriteNil();
        }
    }

    public static Piece ReadPiece(ref MessagePackReader reader)
    {
        int further = ReadFields(ref reader, PieceFields);
        View view = ReadView(ref reader);
        Ballot promised = ReadBallot(ref reader);
        Ballot standing = ReadBallot(ref reader);
        ulong standingEpoch = reader.ReadUInt64();
        NextView? next = null;
        if (!reader.TryReadNil())
        {
            int furtherOfNext = ReadFields(ref reader, NextFields);
            Ballot ballot = ReadBallot(ref reader);
            next = new NextView(ballot, ReadView(ref reader));
            Skip(ref reader, furtherOfNext);
        }

        Skip(ref reader, further);
        return new Piece(view, promised, standing, standingEpoch, next);
    }

    public static void Write(ref MessagePackWriter writer, RegisterVersion version)
    {
        Write(ref writer, version.Ballot);
        writer.Write(version.Sequence);
    }

    public static RegisterVersion ReadRegisterVersion(ref MessagePackReader reader)
    {
        Ballot ballot = ReadBallot(ref reader);
        return new RegisterVersion(ballot, reader.ReadUInt64());
    }

    /// <summary>Writes a register, or nil for none.</summary>
    public static void Write(ref MessagePackWriter writer, Register? register)
    {
        if (register is null)
        {
            writer.WriteNil();
            return;
        }

        writer.WriteArrayHeader(RegisterFields);
        Write(ref writer, register.Version);
        writer.Write(register.IsDeleted);
        writer.Write(register.Value.Span);
        writer.WriteArrayHeader(register.Applied.Length * AppliedFields);
        foreach (AppliedOperation applied in register.Applied)
        {
            Write(ref writer, applied.Id);
            Write(ref writer, applied.Version);
            writer.Write(applied.AtUnixMs);
        }
    }

    /// <summary>Reads a register, whose value is a copy; null for none.</summary>
    public static Register? ReadRegister(ref MessagePackReader reader)
    {
        if (reader.TryReadNil())
        {
            return null;
        }

        int further = ReadFields(ref reader, RegisterFields);
        RegisterVersion version = ReadRegisterVersion(ref reader);
        bool isDeleted = reader.ReadBoolean();
        ReadOnlyMemory<byte> value = ReadValue(ref reader);
        int count = MessageParts.ReadCount(ref reader, Register.AppliedMax * AppliedFields) / AppliedFields;
        var applied = ImmutableArray.CreateBuilder<AppliedOperation>(count);
        for (int at = 0; at < count; at++)
        {
            OperationId id = ReadOperationId(ref reader);
            RegisterVersion made = ReadRegisterVersion(ref reader);
            applied.Add(new AppliedOperation(id, made, reader.ReadInt64()));
        }

        Skip(ref reader, further);
        return new Register(version, value, isDeleted, applied.MoveToImmutable());
    }

    /// <summary>
    /// Reads the value of a register: a copy, since it is kept for longer than the message.
    /// </summary>
    public static ReadOnlyMemory<byte> ReadValue(ref MessagePackReader reader)
    {
        ReadOnlyMemory<byte> value = MessageParts.ReadBytes(ref reader);
        return value.Length <= ValueBytesMax
            ? value.ToArray()
            : throw new MessagePackSerializationException(
                $"the value of a register has at most {ValueBytesMax} bytes, not {value.Length}");
    }

    public static void Write(ref MessagePackWriter writer, OperationId id)
    {
        writer.Write(id.Client);
        writer.Write(id.Number);
    }

    public static OperationId ReadOperationId(ref MessagePackReader reader)
    {
        ulong client = reader.ReadUInt64();
        return new OperationId(client, reader.ReadUInt64());
    }

    public static void Write(ref MessagePackWriter writer, RegisterStamp stamp)
    {
        writer.Write(stamp.Counter);
        writer.Write(stamp.Sequence);
        writer.Write(stamp.Coordinator);
    }

    public static RegisterStamp ReadStamp(ref MessagePackReader reader)
    {
        ulong counter = reader.ReadUInt64();
        ulong sequence = reader.ReadUInt64();
        return new RegisterStamp(counter, sequence, reader.ReadUInt64());
    }

    // How many fields follow those that are known.
    private static int ReadFields(ref MessagePackReader reader, int known)
    {
        int count = reader.ReadArrayHeader();
        return count >= known
            ? count - known
            : throw new MessagePackSerializationException($"{known} fields are needed, {count} are there");
    }

    private static void Skip(ref MessagePackReader reader, int fields)
    {
        for (int at = 0; at < fields; at++)
        {
            reader.Skip();
        }
    }
}
