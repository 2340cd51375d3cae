
namespace Igor.Dht.Protocol.Ring;

/// <summary>
/// How many durable copies make a write count. Judged by the root, and once more by whoever asked, who may
/// know of members that the root does not.
/// </summary>
internal static class CopiesNeeded
{
    /// <summary>A majority of the copies that can be made.</summary>
    /// <param name="replicas">Copies asked for.</param>
    /// <param name="known">Members known, those included that failed a short while ago.</param>
    public static int Majority(int replicas, int known) => (Math.Min(replicas, known) / 2) + 1;

    /// <summary>
    /// The copies that a write needs: what its level says, and not below its floor. Where none is named, the
    /// floor is a majority: to be content with less has to be asked for.
    /// </summary>
    /// <param name="acks">One copy, a majority, or as many as were asked for.</param>
    /// <param name="copiesMin">The floor; 0 for a majority.</param>
    /// <param name="replicas">Copies asked for.</param>
    /// <param name="known">Members known, those included that failed a short while ago.</param>
    public static int Of(AckLevel acks, int copiesMin, int replicas, int known) => Math.Max(
        copiesMin > 0 ? copiesMin : Majority(replicas, known),
        acks switch
        {
            AckLevel.One => 1,
            AckLevel.Quorum => Majority(replicas, known),
            _ => replicas,
        });
}
