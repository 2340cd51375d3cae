using Igor.Dht.Protocol.Ring;

namespace Igor.Dht.Protocol.Index;

/// <summary>
/// The numbers of replicas that records near this node ask for: those of the records that are here, and those
/// that other nodes told of, for as long as they may be away with the only copies and be expected back.
/// </summary>
/// <param name="index">What is here.</param>
/// <param name="retention">How long what was told counts.</param>
internal sealed class ReplicaClasses(Func<int, int> index, TimeSpan retention)
{
    private readonly TimeSpan?[] _heardAt = new TimeSpan?[Neighbourhood.Replicas];

    /// <summary>
    /// The fewest that any record asks for, five at most. The only holders of such a record may be missing,
    /// so it counts for keys of which nothing is known.
    /// </summary>
    public int Fewest { get; private set; } = Neighbourhood.Replicas;

    /// <summary>There is a record that asks for so many; returns whether none asked for as few.</summary>
    public bool Hear(int replicas, TimeSpan now)
    {
        if (replicas >= _heardAt.Length)
        {
            return false;
        }

        _heardAt[replicas] = now;
        bool isFewer = replicas < Fewest;
        Fewest = isFewer ? replicas : Fewest;
        return isFewer;
    }

    /// <summary>Forgets what was told long ago; returns whether the fewest are more now.</summary>
    public bool Age(TimeSpan now)
    {
        int before = Fewest;
        while (Fewest < Neighbourhood.Replicas && index(Fewest) == 0
            && !(_heardAt[Fewest] is { } heard && heard + retention > now))
        {
            Fewest++;
        }

        return Fewest != before;
    }
}
