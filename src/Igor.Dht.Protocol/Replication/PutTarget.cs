using Igor.Dht.Protocol.Messages;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Replication;

/// <summary>A node that a put is written to.</summary>
internal sealed class PutTarget(Key id)
{
    public Key Id { get; } = id;

    /// <summary>Null while its answer is waited for.</summary>
    public StoredStatus? Status { get; set; }

    /// <summary>Whether it gives its word about the key to another root.</summary>
    public bool IsApart { get; set; }

    /// <summary>Whether it said itself what became of the record.</summary>
    public bool HasAnswered { get; set; }

    /// <summary>Why it does not hold the record, for people.</summary>
    public string? Trouble { get; set; }

    /// <summary>Why fewer copies were made than are needed, for people.</summary>
    /// <param name="targets">Who was asked.</param>
    /// <param name="needed">Copies.</param>
    /// <param name="known">Members.</param>
    public static string Explain(List<PutTarget> targets, int needed, int known)
    {
        IEnumerable<string> why = targets
            .Where(t => t.Trouble is not null)
            .Select(t => $"node {t.Id.ToShortString()} {t.Trouble}");
        if (targets.Count < needed)
        {
            why = why.Prepend(known == 1 ? "the ring has one member" : $"{known} members are known, "
                + $"{targets.Count} of them near the key can be reached");
        }

        return string.Join("; ", why.DefaultIfEmpty("the ring is changing"));
    }
}
