namespace Igor.Kbr;

/// <summary>How large a node's ring is, and what its place there takes.</summary>
/// <param name="Links">Nodes that it is connected to.</param>
/// <param name="LinksMax">The most that it connects to.</param>
/// <param name="IsBusy">
/// Whether most of these links are taken, so that it takes only new neighbours, and whom it dials itself.
/// </param>
/// <param name="RingSize">
/// Nodes in the ring, estimated from how densely its neighbours lie: exact in a small ring, within a quarter
/// in two cases of three in a large one. 0 while it is not known.
/// </param>
/// <param name="UpkeepBytesPerSecond">
/// Bytes that the node sends in a second to keep its rings up, frames with their overhead, on average of the
/// last minute. What connections cost to open is not in it.
/// </param>
public sealed record OverlayFigures(
    int Links, int LinksMax, bool IsBusy, double RingSize, double UpkeepBytesPerSecond)
{
    /// <summary>Those of a node that does not say.</summary>
    public static OverlayFigures Unknown { get; } = new(0, 0, false, 0, 0);
}
