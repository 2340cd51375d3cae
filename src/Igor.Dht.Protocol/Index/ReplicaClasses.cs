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
    private readonly TimeSpan[] _until = new TimeSpan[Neighbourhood.Replicas];

    /// <summary>
    /// The fewest that any record asks for, five at most. The only holders of such a record may be missing,
    /// so it counts for keys of which nothing is known.
    /// </summary>
    public int Fewest { get; private set; } = Neighbourhood.Replicas;

    /// <summary>There is a record that asks for so many; returns whether none asked for as few.</summary>
    public bool Hear(int replicas, TimeSpan now) => Hear(replicas, retention, now);

    /// <summary>
    /// Another node knows for so long that there is a record that asks for so many; returns whether none
    /// asked for as few.
    /// </summary>
    public bool Hear(int replicas, TimeSpan left, TimeSpan now)
    {
        left = left < retention ? left : retention;
        if (replicas >= _until.Length || left <= TimeSpan.Zero || now + left <= _until[replicas])
        {
            return false;
        }

        _until[replicas] = now + left;
        bool isFewer = replicas < Fewest;
        Fewest = isFewer ? replicas : Fewest;
        return isFewer;
    }

    /// <summary>Forgets what was told long ago; returns whether the fewest are more now.</summary>
    public bool Age(TimeSpan now)
    {
        int before = Fewest;
        while (Fewest < Neighbourhood.Replicas && index(Fewest) == 0
            && _until[Fewest] <= now)
        {
            Fewest++;
        }

        return Fewest != before;
    }

    /// <summary>How long it counts that some record asks for so many; zero if it does not.</summary>
    public TimeSpan Left(int replicas, TimeSpan now) => index(replicas) > 0 ? retention
        : _until[replicas] > now ? _until[replicas] - now
        : TimeSpan.Zero;
}
