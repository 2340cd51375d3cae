namespace Igor.Kbr;

/// <summary>Request-reply as a task.</summary>
public static class KbrServiceExtensions
{
    /// <summary>
    /// Sends a request towards a key and waits for its end. Continuations run on the thread pool, so they may
    /// block; the reply's payload is a copy of its own.
    /// </summary>
    public static Task<KbrReply> RequestAsync(
        this IKbrService service, Key destination, ReadOnlyMemory<byte> payload, RequestOptions options)
    {
        ArgumentNullException.ThrowIfNull(service);
        var completion = new TaskCompletionSource<KbrReply>(
            TaskCreationOptions.RunContinuationsAsynchronously);
        service.Request(
            destination,
            payload,
            options,
            reply => completion.TrySetResult(reply with { Payload = reply.Payload.ToArray() }));
        return completion.Task;
    }
}
