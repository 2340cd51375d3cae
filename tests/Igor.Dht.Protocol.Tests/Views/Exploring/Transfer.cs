using Igor.Dht.Protocol.Ring;
using Igor.Dht.Protocol.Views;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Tests.Views.Exploring;

/// <summary>
/// Makes the registers of one voter what they should be: lists what it holds, stores what differs, and
/// repeats that until all is acknowledged. The listing of a node's own comes from the sources of the piece (a
/// gathering), that of another member from itself.
/// </summary>
internal sealed class Transfer(ReignHost host, Voter target, Gathering? gathering, IReadOnlyList<Voter> asked)
{
    private readonly Dictionary<Voter, IReadOnlyDictionary<Key, Cell>> _lists = [];
    private Dictionary<Key, StoreRegister>? _outstanding;

    public Voter Target => target;

    public bool IsGathering => gathering is not null;

    /// <summary>Asks for what was not answered.</summary>
    public void Pursue()
    {
        if (_outstanding is null)
        {
            foreach (Voter voter in asked.Where(voter => !_lists.ContainsKey(voter)))
            {
                host.Node.SendTo(voter, new ListRequest(host.Reign.Span, host.Reign.Ballot));
            }

            return;
        }

        foreach (StoreRegister store in _outstanding.Values)
        {
            host.Node.SendTo(target, store);
        }
    }

    public void Handle(ListReply reply)
    {
        KeySpan span = host.Reign.Span;
        if (_outstanding is not null || reply.Request != new ListRequest(span, host.Reign.Ballot)
            || !asked.Contains(reply.From))
        {
            return;
        }

        _lists[reply.From] = reply.Cells;
        gathering?.Add(reply.From, reply.Cells.ToDictionary(cell => cell.Key, cell => cell.Value.Held));
        if (_lists.Count < asked.Count)
        {
            return;
        }

        Dictionary<Key, Cell> own = host.Node.CellsWithin(span);
        if (gathering is null)
        {
            Begin(own, reply.Cells);
        }
        else if (gathering.State() is { } state)
        {
            Begin(state.ToDictionary(s => s.Key, s => _lists[s.Value.Source][s.Key]), own);
        }
        else
        {
            host.Reign.HandleUnclear();
        }
    }

    public void Handle(DhtTimeSource time, VoterReply reply)
    {
        if (_outstanding is null || reply.From != target || reply.Request is not StoreRegister store
            || reply.Verdict is not (VoterVerdict.Done or VoterVerdict.Kept)
            || !_outstanding.TryGetValue(store.Key, out StoreRegister? sent) || sent.Version != store.Version)
        {
            return;
        }

        _outstanding.Remove(store.Key);
        EndIfDone(time);
    }

    private void Begin(Dictionary<Key, Cell> wanted, IReadOnlyDictionary<Key, Cell> there)
    {
        if (wanted.Values.Any(cell => cell.Held.IsDamaged))
        {
            host.Reign.Resign();
            return;
        }

        _outstanding = [];
        foreach (Key key in wanted.Keys.Union(there.Keys))
        {
            Register? register = wanted.GetValueOrDefault(key)?.Register;
            HeldRegister held = there.GetValueOrDefault(key)?.Held ?? default;
            RegisterVersion version = register?.Version ?? RegisterVersion.None;
            bool isLeft = host.Node.Mutant == Mutant.MergeInsteadOfReplace && version < held.Version;
            if ((held.Version != version || held.IsDamaged) && !isLeft)
            {
                _outstanding[key] = new StoreRegister(key, host.Reign.Ballot, register, default);
            }
        }

        Pursue();
        EndIfDone(host.Node.Time);
    }

    private void EndIfDone(DhtTimeSource time)
    {
        if (_outstanding is { Count: 0 })
        {
            host.End(this, time);
        }
    }
}
