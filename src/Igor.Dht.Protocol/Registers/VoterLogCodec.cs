using System.Buffers;
using Igor.Dht.Protocol.Ring;
using Igor.Dht.Protocol.Views;
using Igor.Kbr;
using MessagePack;

namespace Igor.Dht.Protocol.Registers;

/// <summary>An entry of a voter's log: a change of pieces, or what is held of a key from then on.</summary>
/// <param name="Piece">The change; null for one of a register.</param>
/// <param name="Key">The key of the register.</param>
/// <param name="Register">The register; null for none.</param>
internal readonly record struct VoterLogEntry(PieceChange? Piece, Key Key, Register? Register);

/// <summary>The bytes of the entries of a voter's log.</summary>
internal static class VoterLogCodec
{
    private const int PieceKind = 1;
    private const int RegisterKind = 2;

    public static ReadOnlyMemory<byte> Encode(PieceChange change)
    {
        var buffer = new ArrayBufferWriter<byte>(800);
        var writer = new MessagePackWriter(buffer);
        writer.WriteArrayHeader(7);
        writer.Write(PieceKind);
        VoterParts.Write(ref writer, change.Span);
        VoterParts.Write(ref writer, change.Floor);
        if (change.Piece is { } piece)
        {
            VoterParts.Write(ref writer, piece);
        }
        else
        {
            writer.WriteNil();
        }

        writer.Flush();
        return buffer.WrittenMemory;
    }

    public static ReadOnlyMemory<byte> Encode(Key key, Register? register)
    {
        var buffer = new ArrayBufferWriter<byte>(800 + (register?.Value.Length ?? 0));
        var writer = new MessagePackWriter(buffer);
        writer.WriteArrayHeader(3);
        writer.Write(RegisterKind);
        KeyCodec.Write(ref writer, key);
        VoterParts.Write(ref writer, register);
        writer.Flush();
        return buffer.WrittenMemory;
    }

    /// <summary>Reads an entry.</summary>
    /// <exception cref="MessagePackSerializationException">It is none.</exception>
    public static VoterLogEntry Decode(ReadOnlyMemory<byte> entry)
    {
        var reader = new MessagePackReader(entry);
        reader.ReadArrayHeader();
        switch (reader.ReadInt32())
        {
            case PieceKind:
                KeySpan span = VoterParts.ReadSpan(ref reader);
                Ballot floor = VoterParts.ReadBallot(ref reader);
                Piece? piece = reader.TryReadNil() ? null : VoterParts.ReadPiece(ref reader);
                return new VoterLogEntry(new PieceChange(span, piece, floor), default, null);
            case RegisterKind:
                Key key = KeyCodec.Read(ref reader);
                return new VoterLogEntry(null, key, VoterParts.ReadRegister(ref reader));
            default:
                throw new MessagePackSerializationException("an entry of a voter's log of no known kind");
        }
    }
}
