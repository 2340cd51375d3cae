using Igor.Dht.Protocol.Records;
using Igor.Dht.Protocol.Ring;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Replication;

/// <summary>What a root knows about another member near it, since both have been there.</summary>
internal sealed class PeerKnowledge(Key id)
{
    /// <summary>The peer.</summary>
    public Key Id { get; } = id;

    /// <summary>Whether the peer told which members it knows.</summary>
    public bool HasTold { get; set; }

    /// <summary>Since when the peer is in sync, as it told last; 0 if it is not.</summary>
    public long InSyncSinceUnixMs { get; set; }

    /// <summary>Keys of this root for which all that the peer held was heard.</summary>
    public ArcSet Synced { get; } = new();

    /// <summary>
    /// Keys of this root for which the peer, as a replica, was given all that it lacked: by the number of
    /// replicas of the records, for where these are fewer others come in when one goes.
    /// </summary>
    public ArcSet[] Matched { get; } = ArcSet.OfEach(RecordCodec.ReplicasMax + 1);

    /// <summary>
    /// Keys for which the peer, as a replica, was once given all that it lacked. What it missed since then
    /// is known by key. By the number of replicas, too.
    /// </summary>
    public ArcSet[] Given { get; } = ArcSet.OfEach(RecordCodec.ReplicasMax + 1);

    /// <summary>Keys for which the peer was told that it is in sync.</summary>
    public ArcSet Told { get; } = new();

    /// <summary>
    /// The peer's term since it was heard: as long as it is the same, nobody else had its word.
    /// </summary>
    public ulong Term { get; set; }

    /// <summary>Keys about which the peer gave its word to this root until a lease ends.</summary>
    public ArcSet Leased { get; set; } = new();

    /// <summary>When that lease ends.</summary>
    public TimeSpan LeasedUntil { get; set; }

    /// <summary>The number of the request for a lease that is under way; 0 for none.</summary>
    public int Asking { get; set; }

    /// <summary>When a lease was asked for last.</summary>
    public TimeSpan AskedAt { get; set; } = TimeSpan.MinValue / 2;

    /// <summary>
    /// Until when the peer knows that there are records that ask for so few copies, by their number.
    /// </summary>
    public TimeSpan[] KnowsFewUntil { get; } = new TimeSpan[Neighbourhood.Replicas];

    /// <summary>The numbers of replicas that occur among the peer's records, as bits.</summary>
    public int Classes { get; set; }
}
