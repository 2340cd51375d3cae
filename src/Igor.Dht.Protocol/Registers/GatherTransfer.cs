using Igor.Dht.Protocol.Ring;
using Igor.Dht.Protocol.Views;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Registers;

/// <summary>
/// Makes the own registers the state of keys that were won: all sources say what they hold, the newest of
/// each key counts, and what differs here is fetched and stored.
/// </summary>
internal sealed class GatherTransfer : Transfer
{
    private readonly Gathering _gathering;
    private readonly VoterServer _own;
    private readonly SortedDictionary<Voter, Listing> _listings = [];
    private readonly HashSet<Voter> _fetching = [];
    private SortedDictionary<Key, Voter>? _missing;

    public GatherTransfer(ReignHost host, VoterCalls calls, VoterServer own, WonPiece won)
        : base(host, calls, own.Self)
    {
        _own = own;
        _gathering = new Gathering(won);
        foreach (Voter source in won.Election.Sources)
        {
            _listings.Add(source, new Listing { First = won.Span.First });
        }
    }

    /// <inheritdoc/>
    protected override void Advance()
    {
        if (_missing is null)
        {
            foreach ((Voter source, Listing listing) in _listings)
            {
                Ask(source, listing);
            }
        }
        else if (_missing.Count == 0)
        {
            Host.End(this);
        }
        else
        {
            Fetch();
        }
    }

    private void Ask(Voter source, Listing listing)
    {
        if (!listing.IsAsking && !listing.IsAtEnd)
        {
            listing.IsAsking = true;
            KeySpan rest = Span with { First = listing.First };
            Calls.List(source, rest, Ballot, answer => HandleList(source, listing, answer));
        }
    }

    private void HandleList(Voter source, Listing listing, RegisterList? answer)
    {
        listing.IsAsking = false;
        if (Host.IsOver || answer is not { } list || listing.IsAtEnd)
        {
            return; // asked for again at the next deadline
        }

        if (!list.IsPromised || list.Last < listing.First || list.Last > Span.Last)
        {
            Host.Outvote();
            return;
        }

        Host.HandleProgress();
        foreach ((Key key, RegisterVersion version) in list.Registers)
        {
            listing.Held[key] = new HeldRegister(version, IsDamaged: false);
        }

        listing.IsAtEnd = list.Last == Span.Last;
        if (!listing.IsAtEnd)
        {
            listing.First = list.Last + KeySpan.One;
            Ask(source, listing);
            return;
        }

        _gathering.Add(source, listing.Held);
        if (_gathering.IsComplete)
        {
            Compare();
        }
    }

    private void Compare()
    {
        if (_gathering.State() is not { } state)
        {
            Host.HandleUnclear();
            return;
        }

        _missing = [];
        foreach ((Key key, (RegisterVersion version, Voter source)) in state)
        {
            if (_own.Shelf.HeldOf(key).Version != version)
            {
                _missing.Add(key, source);
            }
        }

        foreach (Key key in _own.Shelf.Within(Span).Select(held => held.Key).ToList())
        {
            if (!state.ContainsKey(key))
            {
                Store(key, null);
            }
        }

        if (!IsStoring)
        {
            Advance();
        }
    }

    private void Fetch()
    {
        foreach (Voter source in _missing!.Values.Distinct().ToList())
        {
            if (_fetching.Add(source))
            {
                Key[] keys =
                [
                    .. _missing.Where(lack => lack.Value == source).Select(lack => lack.Key)
                        .Take(TransferMessages.CountMax),
                ];
                Calls.Fetch(source, Span, Ballot, keys, contents => HandleContents(source, keys, contents));
            }
        }
    }

    private void HandleContents(Voter source, Key[] keys, RegisterContents? answer)
    {
        _fetching.Remove(source);
        if (Host.IsOver || answer is not { } contents)
        {
            return; // asked for again at the next deadline
        }

        Host.HandleProgress();
        for (int at = 0; at < contents.Registers.Count && at < keys.Length; at++)
        {
            if (contents.Registers[at] is { } register
                && register.Version == _listings[source].Held.GetValueOrDefault(keys[at]).Version
                && _missing!.Remove(keys[at]))
            {
                Store(keys[at], register);
            }
        }
    }

    private sealed class Listing
    {
        public SortedDictionary<Key, HeldRegister> Held { get; } = [];

        public Key First { get; set; }

        public bool IsAsking { get; set; }

        public bool IsAtEnd { get; set; }
    }
}
