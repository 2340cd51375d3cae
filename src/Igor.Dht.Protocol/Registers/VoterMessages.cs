using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Ring;
using Igor.Dht.Protocol.Views;
using MessagePack;

namespace Igor.Dht.Protocol.Registers;

/// <summary>A request to a voter as it arrived.</summary>
/// <param name="Incarnation">Which store of the node is asked: another has no vote.</param>
/// <param name="Request">What is asked.</param>
internal readonly record struct AskedVoter(ulong Incarnation, VoterRequest Request);

/// <summary>A voter's answer as it arrived; to what, the asker knows by itself.</summary>
internal readonly record struct VoterAnswer(
    Voter From, VoterVerdict Verdict, Ballot Promised, TimeSpan Lease, IReadOnlyList<PieceVote> Votes)
{
    /// <summary>The answer, with what was asked.</summary>
    public VoterReply To(VoterRequest request) =>
        new(From, request, Verdict) { Promised = Promised, Lease = Lease, Votes = Votes };
}

/// <summary>
/// What a coordinator asks of voters, and their answers. Each request has the incarnation that is asked, the
/// span and the ballot first. They are taken only over the direct link of the node that the ballot names.
/// </summary>
internal static class VoterMessages
{
    private const int HeadFields = 6;
    private const int VoteFields = 3;

    public static void Write(PayloadBuffer buffer, Voter to, VoterRequest request)
    {
        MessagePackWriter writer;
        switch (request)
        {
            case Prepare prepare:
                writer = Begin(buffer, MessageKind.Prepare, 3, to, request);
                VoterParts.Write(ref writer, prepare.Lineage);
                WriteOptional(ref writer, prepare.Invitation);
                break;
            case Stand stand:
                writer = Begin(buffer, MessageKind.Stand, 1, to, request);
                VoterParts.Write(ref writer, stand.View);
                break;
            case StoreRegister store:
                writer = Begin(buffer, MessageKind.StoreRegister, 4, to, request);
                VoterParts.Write(ref writer, store.Register);
                Write(ref writer, store.Terms);
                break;
            case Confirm confirm:
                writer = Begin(buffer, MessageKind.Confirm, 3, to, request);
                Write(ref writer, confirm.Terms);
                break;
            case Adopt adopt:
                writer = Begin(buffer, MessageKind.Adopt, 2, to, request);
                VoterParts.Write(ref writer, adopt.View);
                VoterParts.Write(ref writer, adopt.Next);
                break;
            case Decide decide:
                writer = Begin(buffer, MessageKind.Decide, 1, to, request);
                VoterParts.Write(ref writer, decide.View);
                break;
            case Resign:
                writer = Begin(buffer, MessageKind.Resign, 0, to, request);
                break;
            default:
                throw new ArgumentException($"{request.GetType().Name} is no message.", nameof(request));
        }

        writer.Flush();
    }

    /// <summary>Whether messages of a kind are read here.</summary>
    public static bool IsRequest(MessageKind kind) =>
        kind is >= MessageKind.Prepare and <= MessageKind.Resign;

    public static AskedVoter Read(MessageKind kind, ref MessagePackReader reader)
    {
        ulong incarnation = reader.ReadUInt64();
        KeySpan span = VoterParts.ReadSpan(ref reader);
        Ballot ballot = VoterParts.ReadBallot(ref reader);
        return new AskedVoter(incarnation, ReadRequest(kind, span, ballot, ref reader));
    }

    public static void WriteReply(PayloadBuffer buffer, VoterReply reply)
    {
        MessagePackWriter writer = buffer.Begin(MessageKind.Voted, 8);
        VoterParts.Write(ref writer, reply.From);
        writer.Write((int)reply.Verdict);
        VoterParts.Write(ref writer, reply.Promised);
        writer.Write(reply.Lease.Ticks);
        writer.WriteArrayHeader(reply.Votes.Count * VoteFields);
        foreach (PieceVote vote in reply.Votes)
        {
            VoterParts.Write(ref writer, vote.Span);
            VoterParts.Write(ref writer, vote.Piece);
        }

        writer.Flush();
    }

    public static VoterAnswer ReadReply(ref MessagePackReader reader)
    {
        Voter from = VoterParts.ReadVoter(ref reader);
        int verdict = reader.ReadInt32();
        if (verdict is < (int)VoterVerdict.Done or > (int)VoterVerdict.Full)
        {
            throw new MessagePackSerializationException($"verdict {verdict} is not known");
        }

        Ballot promised = VoterParts.ReadBallot(ref reader);
        TimeSpan lease = ReadLength(ref reader);
        int count = MessageParts.ReadCount(ref reader, PieceMap.PartsMax * VoteFields) / VoteFields;
        var votes = new PieceVote[count];
        for (int at = 0; at < votes.Length; at++)
        {
            KeySpan span = VoterParts.ReadSpan(ref reader);
            votes[at] = new PieceVote(span, VoterParts.ReadPiece(ref reader));
        }

        return new VoterAnswer(from, (VoterVerdict)verdict, promised, lease, votes);
    }

    private static VoterRequest ReadRequest(
        MessageKind kind, KeySpan span, Ballot ballot, ref MessagePackReader reader)
    {
        switch (kind)
        {
            case MessageKind.Prepare:
                Lineage lineage = VoterParts.ReadLineage(ref reader);
                return new Prepare(
                    span, ballot, lineage, reader.TryReadNil() ? null : VoterParts.ReadView(ref reader));
            case MessageKind.Stand:
                return new Stand(span, ballot, VoterParts.ReadView(ref reader));
            case MessageKind.StoreRegister:
                Register? register = VoterParts.ReadRegister(ref reader);
                return span.First == span.Last
                    ? new StoreRegister(span.First, ballot, register, ReadTerms(ref reader))
                    : throw new MessagePackSerializationException("a register has one key");
            case MessageKind.Confirm:
                LeaseTerms terms = ReadTerms(ref reader);
                return terms.Span == span
                    ? new Confirm(ballot, terms)
                    : throw new MessagePackSerializationException("a lease is for what is asked about");
            case MessageKind.Adopt:
                View view = VoterParts.ReadView(ref reader);
                return new Adopt(span, ballot, view, VoterParts.ReadView(ref reader));
            case MessageKind.Decide:
                return new Decide(span, ballot, VoterParts.ReadView(ref reader));
            default:
                return new Resign(span, ballot);
        }
    }

    private static MessagePackWriter Begin(
        PayloadBuffer buffer, MessageKind kind, int fields, Voter to, VoterRequest request)
    {
        MessagePackWriter writer = buffer.Begin(kind, HeadFields + fields);
        writer.Write(to.Incarnation);
        VoterParts.Write(ref writer, request.Span);
        VoterParts.Write(ref writer, request.Ballot);
        return writer;
    }

    private static void WriteOptional(ref MessagePackWriter writer, View? view)
    {
        if (view is null)
        {
            writer.WriteNil();
        }
        else
        {
            VoterParts.Write(ref writer, view);
        }
    }

    // When the coordinator asked is its own matter: it knows what it waits for.
    private static void Write(ref MessagePackWriter writer, LeaseTerms terms)
    {
        VoterParts.Write(ref writer, terms.Span);
        writer.Write(terms.Length.Ticks);
    }

    private static LeaseTerms ReadTerms(ref MessagePackReader reader)
    {
        // A store that asks for no lease may name no span: what is there is read as it stands.
        KeySpan span = VoterParts.ReadSpan(ref reader);
        return new LeaseTerms(span, ReadLength(ref reader), TimeSpan.Zero);
    }

    private static TimeSpan ReadLength(ref MessagePackReader reader)
    {
        long ticks = reader.ReadInt64();
        return ticks >= 0 && ticks <= GrantedLeases.LengthMax.Ticks
            ? TimeSpan.FromTicks(ticks)
            : throw new MessagePackSerializationException("no lease is that long");
    }
}
