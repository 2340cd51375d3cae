namespace Igor.Dht.Protocol;

/// <summary>Who is asked when a record is read.</summary>
public enum GetConsistency
{
    /// <summary>
    /// The root of the key alone when it is settled there; the replicas as well while it is not.
    /// </summary>
    Root,

    /// <summary>Always a majority of the replicas.</summary>
    Quorum,
}
