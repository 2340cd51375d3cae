namespace Igor.Benchmarks;

/// <summary>One way of sending a message to another process and hearing its echo.</summary>
internal interface IRoundTrips : IAsyncDisposable
{
    /// <summary>
    /// Sends a message; <paramref name="echoed"/> is called when its echo is here, maybe on a thread of the
    /// network, and may send the next.
    /// </summary>
    void Send(ReadOnlyMemory<byte> message, Action echoed);
}
