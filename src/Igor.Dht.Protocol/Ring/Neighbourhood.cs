namespace Igor.Dht.Protocol.Ring;

/// <summary>Sizes that say how far from a key its record may be.</summary>
internal static class Neighbourhood
{
    /// <summary>Copies of a record unless it asks for another number.</summary>
    public const int Replicas = 5;

    /// <summary>
    /// Members near a key that may hold an acknowledged copy of its record: the replicas, and as many that
    /// were replicas before others came nearer. A root must have heard of all of them before it answers
    /// alone.
    /// </summary>
    public const int Members = 2 * Replicas;
}
