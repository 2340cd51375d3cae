namespace Igor.Kbr;

/// <summary>Request-reply as a task.</summary>
public static class KbrServiceExtensions
{
    /// <summary>
    /// Sends a request towards a key and waits for its end. Continuations run on the thread pool, so they may
    /// block (in the simulator inside the simulation); the reply's payload is a copy of its own.
    /// </summary>
    /// <param name="service">The service.</param>
    /// <param name="destination">Where to.</param>
    /// <param name="payload">The request; it is copied before the call returns.</param>
    /// <param name="options">How it is routed, and how long its answer is waited for.</param>
    /// <param name="cancellationToken">
    /// Cancelled before the call, nothing is sent. Cancelled under way, the waiting ends at once; the request
    /// may be delivered all the same, and its answer is dropped.
    /// </param>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static Task<KbrReply> RequestAsync(
        this IKbrService service,
        Key destination,
        ReadOnlyMemory<byte> payload,
        RequestOptions options,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(service);
        if (cancellationToken.IsCancellationRequested)
        {
            return Task.FromCanceled<KbrReply>(cancellationToken);
        }

        TaskCompletionSource<KbrReply> completion = service.NewCompletion();
        CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(
            static (state, token) => ((TaskCompletionSource<KbrReply>)state!).TrySetCanceled(token),
            completion);
        service.Request(
            destination,
            payload,
            options,
            reply =>
            {
                registration.Dispose();
                if (!completion.Task.IsCompleted)
                {
                    service.Complete(completion, reply with { Payload = reply.Payload.ToArray() });
                }
            });
        return completion.Task;
    }
}
