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

        var world = service as IOwnAwaits;
        TaskCompletionSource<KbrReply> completion = world?.NewCompletion()
            ?? new TaskCompletionSource<KbrReply>(TaskCreationOptions.RunContinuationsAsynchronously);
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
                if (completion.Task.IsCompleted)
                {
                    return;
                }

                KbrReply kept = reply with { Payload = reply.Payload.ToArray() };
                if (world is null)
                {
                    completion.TrySetResult(kept);
                }
                else
                {
                    world.Complete(completion, kept);
                }
            });
        return completion.Task;
    }
}
