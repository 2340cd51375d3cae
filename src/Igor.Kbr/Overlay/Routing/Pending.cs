using Igor.Kbr.Overlay.Machines;

namespace Igor.Kbr.Overlay.Routing;

/// <summary>What an entry of the pending table waits for.</summary>
internal enum PendingKind
{
    /// <summary>A request of another node went through here; its reply goes back the way it came.</summary>
    Transit,

    /// <summary>A request of this node is on its way.</summary>
    Own,

    /// <summary>
    /// Another attempt has been made since; a reply to this one still counts, a failure does not.
    /// </summary>
    Stale,

    /// <summary>A request of this node waits for a next hop to be there.</summary>
    Parked,

    /// <summary>A request of this node waits for an application's word on whether it goes.</summary>
    Undecided,

    /// <summary>A request was delivered to the application here, which has not answered yet.</summary>
    Delivery,
}

/// <summary>Soft state of one request at this hop, until its reply or its deadline. Reused.</summary>
internal sealed class Pending
{
    public ulong Id { get; set; }

    public PendingKind Kind { get; set; }

    /// <summary>Where the request went next.</summary>
    public Peer? Next { get; set; }

    /// <summary>Where it came from, and what it was called there (transit, delivery).</summary>
    public Link? Previous { get; set; }

    public ulong PreviousId { get; set; }

    /// <summary>Whether it came from a stranger (as it was then).</summary>
    public bool IsStrangers { get; set; }

    /// <summary>Whether it is for the overlay at its root, not for an application.</summary>
    public bool IsControl { get; set; }

    /// <summary>The service that it was delivered in (delivery).</summary>
    public ServiceId Service { get; set; }

    /// <summary>The request, when it is this node's own.</summary>
    public OwnRequest? Own { get; set; }

    public TimeSpan SentAt { get; set; }

    public TimeSpan Deadline { get; set; }

    // Links of the wheel's list that the entry stands in.
    public int Slot { get; set; } = -1;

    public Pending? After { get; set; }

    public Pending? Before { get; set; }
}
