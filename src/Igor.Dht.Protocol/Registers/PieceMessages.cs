using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Ring;
using Igor.Dht.Protocol.Views;
using MessagePack;

namespace Igor.Dht.Protocol.Registers;

/// <summary>What a node knows of whom it gave its last promise for a piece.</summary>
internal enum Leadership
{
    /// <summary>Nothing, or that it has not begun to serve.</summary>
    Unheard = 0,

    /// <summary>It serves: it is the node itself, or a neighbour that says so.</summary>
    Heard = 1,

    /// <summary>It serves no more, as it says itself.</summary>
    Over = 2,
}

/// <summary>What a node tells others of a piece that it keeps.</summary>
/// <param name="Vote">The piece.</param>
/// <param name="Leadership">What it knows of whom it promised last.</param>
internal readonly record struct ToldPiece(PieceVote Vote, Leadership Leadership);

/// <summary>What a node keeps, told to its neighbours.</summary>
/// <param name="From">Who it is, and with which store.</param>
/// <param name="Revision">Changes with what it keeps.</param>
/// <param name="Floor">
/// The highest ballot that it forgot with a piece: up to that it takes part in no piece again.
/// </param>
/// <param name="Pieces">What it keeps; null for what was told last under this revision.</param>
internal readonly record struct TellPieces(
    Voter From, ulong Revision, Ballot Floor, IReadOnlyList<ToldPiece>? Pieces);

/// <summary>The answer to a telling.</summary>
/// <param name="From">Who answers.</param>
/// <param name="IsKnown">Whether it knows what is kept under the revision that it was told.</param>
internal readonly record struct PiecesTold(Voter From, bool IsKnown);

/// <summary>How neighbours come to know who votes about which keys, and who coordinates them.</summary>
internal static class PieceMessages
{
    private const int ToldFields = 4;

    public static void Write(PayloadBuffer buffer, in TellPieces tell)
    {
        MessagePackWriter writer = buffer.Begin(MessageKind.TellPieces, 7);
        VoterParts.Write(ref writer, tell.From);
        writer.Write(tell.Revision);
        VoterParts.Write(ref writer, tell.Floor);
        if (tell.Pieces is { } pieces)
        {
            writer.WriteArrayHeader(pieces.Count * ToldFields);
            foreach (ToldPiece told in pieces)
            {
                VoterParts.Write(ref writer, told.Vote.Span);
                VoterParts.Write(ref writer, told.Vote.Piece);
                writer.Write((int)told.Leadership);
            }
        }
        else
        {
            writer.WriteNil();
        }

        writer.Flush();
    }

    public static TellPieces ReadTellPieces(ref MessagePackReader reader)
    {
        Voter from = VoterParts.ReadVoter(ref reader);
        ulong revision = reader.ReadUInt64();
        Ballot floor = VoterParts.ReadBallot(ref reader);
        if (reader.TryReadNil())
        {
            return new TellPieces(from, revision, floor, null);
        }

        int count = MessageParts.ReadCount(ref reader, PieceMap.PartsMax * ToldFields) / ToldFields;
        var pieces = new ToldPiece[count];
        for (int at = 0; at < pieces.Length; at++)
        {
            KeySpan span = VoterParts.ReadSpan(ref reader);
            var vote = new PieceVote(span, VoterParts.ReadPiece(ref reader));
            pieces[at] = new ToldPiece(vote, (Leadership)reader.ReadInt32());
        }

        return new TellPieces(from, revision, floor, pieces);
    }

    public static void Write(PayloadBuffer buffer, in PiecesTold told)
    {
        MessagePackWriter writer = buffer.Begin(MessageKind.PiecesTold, 3);
        VoterParts.Write(ref writer, told.From);
        writer.Write(told.IsKnown);
        writer.Flush();
    }

    public static PiecesTold ReadPiecesTold(ref MessagePackReader reader)
    {
        Voter from = VoterParts.ReadVoter(ref reader);
        return new PiecesTold(from, reader.ReadBoolean());
    }
}
