using Igor.Kbr.Overlay.Machines;

namespace Igor.Kbr.Overlay.Routing;

/// <summary>A hop that a request was passed to.</summary>
internal struct Attempt
{
    public Peer? Next { get; set; }

    /// <summary>When, for the first time: what comes is taken for the answer to that.</summary>
    public TimeSpan SentAt { get; set; }

    /// <summary>When, for the last time.</summary>
    public TimeSpan LastAt { get; set; }

    /// <summary>Whether it was asked whether it lives, since nothing came from it.</summary>
    public bool IsAsked { get; set; }

    /// <summary>Whether it said that the request is being worked on: it is taken at its word once.</summary>
    public bool SaidWorking { get; set; }

    /// <summary>Whether it said that it cannot pass it on, or is gone.</summary>
    public bool HasFailed { get; set; }
}
