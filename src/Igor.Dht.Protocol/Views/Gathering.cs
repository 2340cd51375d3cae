using Igor.Kbr;

namespace Igor.Dht.Protocol.Views;

/// <summary>
/// Which registers are the state of keys that were won: of each the newest that a source holds. A key of
/// which a source holds something damaged, perhaps newer, is clear only if a majority holds no such thing:
/// then nothing newer was committed.
/// </summary>
internal sealed class Gathering(WonPiece won)
{
    private readonly Dictionary<Voter, IReadOnlyDictionary<Key, HeldRegister>> _lists = [];

    /// <summary>Whether all sources have said what they hold.</summary>
    public bool IsComplete => _lists.Count == won.Election.Sources.Length;

    /// <summary>A source said what it holds of the keys, damaged registers included.</summary>
    public void Add(Voter source, IReadOnlyDictionary<Key, HeldRegister> held)
    {
        if (won.Election.Sources.Contains(source))
        {
            _lists[source] = held;
        }
    }

    /// <summary>
    /// The keys that have a register, with its version and a source that holds it; null when it cannot be
    /// said of some key, before more voters promise.
    /// </summary>
    public SortedDictionary<Key, (RegisterVersion Version, Voter Source)>? State()
    {
        var state = new SortedDictionary<Key, (RegisterVersion Version, Voter Source)>();
        foreach (Key key in _lists.Values.SelectMany(list => list.Keys).Distinct())
        {
            RegisterVersion newest = RegisterVersion.None;
            foreach ((Voter source, IReadOnlyDictionary<Key, HeldRegister> list) in _lists)
            {
                HeldRegister held = list.GetValueOrDefault(key);
                if (!held.IsDamaged && held.Version > newest)
                {
                    newest = held.Version;
                    state[key] = (newest, source);
                }
            }

            if (!IsClear(key, newest))
            {
                return null;
            }
        }

        return state;
    }

    private bool IsClear(Key key, RegisterVersion newest)
    {
        Voter[] doubtful = [.. _lists
            .Where(list => list.Value.TryGetValue(key, out HeldRegister held)
                && held.IsDamaged && held.Version > newest)
            .Select(list => list.Key)];
        Election election = won.Election;
        return doubtful.Length == 0 || (doubtful.Length < election.Sources.Length && Election.HasMajorities(
            election.View,
            election.Next,
            voter => election.Promised.Contains(voter) && !doubtful.Contains(voter)));
    }
}
