namespace Igor.Kbr;

/// <summary>
/// A service whose world says where awaits of <see cref="KbrServiceExtensions.RequestAsync"/> go on: inside
/// a simulation. Of all others they go on on the thread pool, where they may block.
/// </summary>
internal interface IOwnAwaits
{
    /// <summary>What a request completes.</summary>
    TaskCompletionSource<KbrReply> NewCompletion();

    /// <summary>Completes it; the reply's payload is a copy of its own.</summary>
    void Complete(TaskCompletionSource<KbrReply> completion, in KbrReply reply);
}
