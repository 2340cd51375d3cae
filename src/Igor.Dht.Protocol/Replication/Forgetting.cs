using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Registers;
using Igor.Dht.Protocol.Ring;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Replication;

/// <summary>
/// Members that are dead for good: they count in majorities until somebody says so, where too few are there
/// without them. The member nearest to such a one tells all those near that miss it.
/// </summary>
internal sealed class Forgetting(
    ReplicaContext context, Func<RegisterReplica?> registers, Action ringChanged) : IReplyHandler
{
    private const int RoundsMax = 16;
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(3);

    private readonly Dictionary<int, Round> _rounds = [];
    private int _lastTag;

    /// <summary>An operator asks what it means to forget a member, or says so.</summary>
    public void HandleForget(DeliveryToken token, in ForgetMessage message)
    {
        if (!context.Membership.IsRootOf(message.Member))
        {
            context.Defer(token, "the ring is changing: it reached a node that is not the nearest");
        }
        else if (context.Membership.Alive.Contains(message.Member) || !message.IsMeant)
        {
            Answer(token, Survey(message.Member));
        }
        else if (_rounds.Count >= RoundsMax)
        {
            context.Defer(token, "many members are being forgotten");
        }
        else
        {
            Begin(token, message.Member);
        }
    }

    /// <summary>The member nearest to one that is dead says that it is to be forgotten.</summary>
    public void HandleForgetMember(DeliveryToken token, Key member)
    {
        if (TryForget(member))
        {
            CommonMessages.WriteDone(context.Buffer);
            context.Reply(token);
        }
        else
        {
            context.Defer(token, "the member is there");
        }
    }

    /// <inheritdoc/>
    public void HandleReply(int tag, in KbrReply reply)
    {
        Round round = _rounds[tag];
        round.Told += Decoding.IsDone(reply) ? 1 : 0;
        if (--round.Outstanding == 0)
        {
            _rounds.Remove(tag);
            Answer(round.Token, round.Survey with { Told = round.Told, Asked = round.Asked });
        }
    }

    private void Begin(DeliveryToken token, Key member)
    {
        ForgetResult survey = Survey(member);
        Key[] others = [.. context.Membership.Alive.Members];
        others = [.. others.Where(id => id != context.Membership.Self)];
        TryForget(member);
        var round = new Round(token, survey) { Told = 1, Asked = others.Length + 1 };
        if (others.Length == 0)
        {
            Answer(token, survey with { Told = 1, Asked = 1 });
            return;
        }

        _rounds.Add(++_lastTag, round);
        round.Outstanding = others.Length;
        foreach (Key other in others)
        {
            ForgetMessage.WriteToMember(context.Buffer, member);
            context.Request(this, _lastTag, other, exact: true, Timeout);
        }
    }

    private bool TryForget(Key member)
    {
        bool isForgotten = context.Membership.TryForget(context.Now.Monotonic, member);
        if (isForgotten)
        {
            registers()?.GiveUp(member);
            ringChanged();
        }

        return isForgotten;
    }

    private ForgetResult Survey(Key member)
    {
        Membership membership = context.Membership;
        bool isThere = membership.Alive.Contains(member);
        bool isMissed = membership.MissingMembers.Contains(member);
        (int cells, int cellsInDoubt) = isThere ? default : registers()?.Survey(member) ?? default;
        var result = new ForgetResult
        {
            IsThere = isThere,
            IsMissed = isMissed || cells > 0,
            Missing = membership.MissingMembers.Count(),
            Cells = cells,
            CellsInDoubt = cellsInDoubt,
        };
        if (!isMissed || membership.Expected.Range(member, Neighbourhood.Replicas) is not { } held)
        {
            return result;
        }

        long records = 0;
        long inDoubt = 0;
        foreach (Arc piece in membership.Expected.Pieces(held, Neighbourhood.Replicas))
        {
            long count = context.Index.FingerprintOf(piece, 0, context.Now.UnixMs).Count;
            records += count;
            bool hasMajority = membership.IsMajority(
                piece.Start, Neighbourhood.Replicas, membership.Alive.Contains);
            inDoubt += hasMajority ? 0 : count;
        }

        return result with { Records = records, RecordsInDoubt = inDoubt };
    }

    private void Answer(DeliveryToken token, ForgetResult result)
    {
        ForgottenMessage.Write(context.Buffer, result);
        context.Reply(token);
    }

    private sealed class Round(DeliveryToken token, ForgetResult survey)
    {
        public DeliveryToken Token { get; } = token;

        public ForgetResult Survey { get; } = survey;

        public int Told { get; set; }

        public int Asked { get; init; }

        public int Outstanding { get; set; }
    }
}
