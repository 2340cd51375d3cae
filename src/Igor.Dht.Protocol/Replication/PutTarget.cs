using Igor.Dht.Protocol.Messages;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Replication;

/// <summary>A node that a put is written to.</summary>
internal sealed class PutTarget(Key id)
{
    public Key Id { get; } = id;

    /// <summary>Null while its answer is waited for.</summary>
    public StoredStatus? Status { get; set; }

    /// <summary>Whether it said itself what became of the record.</summary>
    public bool HasAnswered { get; set; }

    /// <summary>Why it does not hold the record, for people.</summary>
    public string? Trouble { get; set; }
}
