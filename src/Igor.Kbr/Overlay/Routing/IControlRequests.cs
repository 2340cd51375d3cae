namespace Igor.Kbr.Overlay.Routing;

/// <summary>Takes requests of the overlay itself.</summary>
internal interface IControlRequests
{
    /// <summary>Sends a request; it ends in <see cref="OwnRequest.Completed"/>, once.</summary>
    void Begin(TimeSpan now, OwnRequest request, ReadOnlySpan<byte> payload);
}
