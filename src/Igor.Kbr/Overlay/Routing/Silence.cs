namespace Igor.Kbr.Overlay.Routing;

/// <summary>How a peer treats the requests that are passed to it, as far as this node has seen.</summary>
internal sealed class Silence
{
    /// <summary>The request that waits longest for an answer through the peer; 0 for none.</summary>
    public ulong Awaited { get; set; }

    /// <summary>When that was sent.</summary>
    public TimeSpan AwaitedSince { get; set; }

    /// <summary>When the peer was asked whether it has that request; null when it was not.</summary>
    public TimeSpan? AskedAt { get; set; }

    /// <summary>Whether it does not know the question: it is of an earlier version.</summary>
    public bool CannotTell { get; set; }

    /// <summary>Whether a timer looks at what is awaited.</summary>
    public bool IsWatched { get; set; }

    /// <summary>Requests that it has dropped since it answered one.</summary>
    public int Dropped { get; set; }

    /// <summary>Whether it has lost its place before, and answered no application's request since.</summary>
    public bool HasRecord { get; set; }

    /// <summary>Whether it has dropped one lately.</summary>
    public bool IsSuspected { get; set; }

    /// <summary>When it may ask this node again about its own requests.</summary>
    public TimeSpan MayAskAt { get; set; }

    /// <summary>When it is looked at again because others say that it is silent.</summary>
    public TimeSpan MayBeToldOfAt { get; set; }

    /// <summary>When it dropped the last one.</summary>
    public TimeSpan DroppedAt { get; set; }

    /// <summary>Whether an answer for it found no room, and it has not asked since.</summary>
    public bool HasLostAnswer { get; set; }

    /// <summary>Until then it is told that its requests are held: their answers may have been lost.</summary>
    public TimeSpan ExcusedUntil { get; set; }

    /// <summary>The request that was awaited is answered, or not waited for any more.</summary>
    public void Forget()
    {
        Awaited = 0;
        AskedAt = null;
    }
}
