using Igor.Dht.Protocol.Ring;
using Igor.Dht.Protocol.Views;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Registers;

/// <summary>
/// Makes the registers of one voter what they should be: by stores under the ballot of a reign, which are
/// repeated until they are acknowledged. What is wanted, and what is there, those say who derive from it.
/// </summary>
internal abstract class Transfer(ReignHost host, VoterCalls calls, Voter target)
{
    private readonly SortedDictionary<Key, StoreRegister> _outstanding = [];

    /// <summary>Whose registers are made so.</summary>
    public Voter Target => target;

    /// <summary>Whose reign it is.</summary>
    protected ReignHost Host => host;

    /// <summary>The way to voters.</summary>
    protected VoterCalls Calls => calls;

    /// <summary>The keys.</summary>
    protected KeySpan Span => host.Reign.Span;

    /// <summary>The reign's.</summary>
    protected Ballot Ballot => host.Reign.Ballot;

    /// <summary>Whether stores are not acknowledged.</summary>
    protected bool IsStoring => _outstanding.Count > 0;

    /// <summary>Asks for what was not answered.</summary>
    public void Pursue()
    {
        foreach (StoreRegister store in _outstanding.Values)
        {
            calls.Ask(target, store);
        }

        if (!IsStoring)
        {
            Advance();
        }
    }

    /// <summary>A voter answered.</summary>
    public void Handle(VoterReply reply)
    {
        if (reply.From == target && reply.Request is StoreRegister store
            && reply.Verdict is VoterVerdict.Done or VoterVerdict.Kept
            && _outstanding.TryGetValue(store.Key, out StoreRegister? sent) && sent.Version == store.Version)
        {
            _outstanding.Remove(store.Key);
            host.HandleProgress();
            if (!IsStoring)
            {
                Advance();
            }
        }
    }

    /// <summary>Goes on when all that was stored is acknowledged.</summary>
    protected abstract void Advance();

    /// <summary>Stores a register in the place of what the target holds.</summary>
    protected void Store(Key key, Register? register)
    {
        var store = new StoreRegister(key, Ballot, register, new LeaseTerms(Span, default, default));
        _outstanding[key] = store;
        calls.Ask(target, store);
    }
}
