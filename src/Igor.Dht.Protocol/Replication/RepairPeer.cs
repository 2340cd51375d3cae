using Igor.Dht.Protocol.Records;
using Igor.Dht.Protocol.Ring;

namespace Igor.Dht.Protocol.Replication;

/// <summary>How it stands with the synchronisation with a member.</summary>
internal sealed class RepairPeer(PeerKnowledge knowledge)
{
    /// <summary>What is known about it.</summary>
    public PeerKnowledge Knowledge { get; } = knowledge;

    /// <summary>When the next synchronisation is due.</summary>
    public TimeSpan Due { get; set; }

    /// <summary>Pause after the last failure; null after a success.</summary>
    public TimeSpan? Pause { get; set; }

    /// <summary>The synchronisation under way.</summary>
    public SyncSession? Session { get; set; }

    /// <summary>Whether something came up since the last synchronisation began.</summary>
    public bool IsWanted { get; set; }

    /// <summary>Whether this node, which is going to leave, waits for the peer.</summary>
    public bool IsOwed { get; set; }

    /// <summary>Whether the peer did not take what it was owed.</summary>
    public bool HasRefused { get; set; }

    /// <summary>Keys of which it is given what it lacks, by the number of replicas.</summary>
    public ArcSet[] Matching { get; } = ArcSet.OfEach(RecordCodec.ReplicasMax + 1);

    /// <summary>Keys of which it is heard.</summary>
    public ArcSet Pulling { get; set; } = new();

    /// <summary>The peer's term when the synchronisation began.</summary>
    public ulong TermBefore { get; set; }
}
