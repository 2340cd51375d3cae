using System.Collections.Immutable;
using Igor.Kbr.Overlay.Upkeep;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Overlay.Machines;

/// <summary>A node that this one is connected to and has exchanged hellos with.</summary>
internal sealed class Peer(Key id, Link link)
{
    public Key Id { get; } = id;

    /// <summary>The link that frames are sent on.</summary>
    public Link Link { get; set; } = link;

    public ulong Instance { get; set; }

    public ImmutableArray<string> Addresses { get; set; } = [];

    public ImmutableArray<ServiceName> Services { get; private set; } = [];

    public ulong ServicesVersion { get; private set; }

    /// <summary>The newest list of services that waits to be read.</summary>
    public byte[]? UnreadServices { get; set; }

    /// <summary>How often it may still say what it runs.</summary>
    public TokenBucket Announcements { get; } = ServiceNews.NewAllowance();

    /// <summary>How many messages it may still send that cost more to handle than to send.</summary>
    public TokenBucket Control { get; } = FrameDispatch.NewControlAllowance();

    /// <summary>
    /// How many questions it may still ask whose missing answer would be held against this node.
    /// </summary>
    public TokenBucket Probes { get; } = FrameDispatch.NewControlAllowance();

    public bool JoinsRing { get; set; }

    public TimeSpan ConnectedAt { get; init; }

    /// <summary>When the last frame came.</summary>
    public TimeSpan LastHeard { get; set; }

    /// <summary>When a probe was sent that nothing has been heard since.</summary>
    public TimeSpan? ProbeSentAt { get; set; }

    /// <summary>What is known of how it treats requests.</summary>
    public Silence Silence { get; } = new();

    /// <summary>Requests that came from this peer and whose answer is waited for here.</summary>
    public int PendingRequests { get; set; }

    /// <summary>Whether nothing has come over the link that is used, and it should have.</summary>
    public bool IsLinkInDoubt { get; set; }

    /// <summary>Avoided where there is a choice: it may be gone, or leaves requests unanswered.</summary>
    public bool IsSuspect => IsLinkInDoubt || Silence.IsSuspected;

    /// <summary>Whether it has lost its place in the rings for a time.</summary>
    public bool IsSilent => Silence.IsSentenced;

    /// <summary>
    /// Smoothed round-trip time and its variation (RFC 6298); null before the first sample.
    /// </summary>
    public TimeSpan? RoundTrip { get; private set; }

    public TimeSpan RoundTripVariation { get; private set; }

    /// <summary>
    /// Time from a request to its reply through this peer, all further hops and the answerer included.
    /// </summary>
    public TimeSpan? ReplyTime { get; private set; }

    public TimeSpan ReplyTimeVariation { get; private set; }

    /// <summary>Whether this node needs the peer (a neighbour or finger).</summary>
    public bool IsWanted { get; set; }

    /// <summary>Whether the peer said that it needs this node.</summary>
    public bool WantsUs { get; set; } = true;

    public TimeSpan UnwantedSince { get; set; }

    public bool IsFinger { get; set; }

    /// <summary>Whether this node has found it at an address that it dialled.</summary>
    public bool WasDialled { get; set; }

    /// <summary>What the host was told of it.</summary>
    public PeerStanding Standing { get; set; }

    public bool IsLeaving { get; set; }

    public bool Runs(ServiceId service)
    {
        foreach (ServiceName s in Services)
        {
            if (s.Id == service)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// Takes a list of services unless a newer one is known (it may have come over another link).
    /// </summary>
    public bool TryUpdateServices(ulong version, ImmutableArray<ServiceName> services)
    {
        if (version <= ServicesVersion)
        {
            return false;
        }

        ServicesVersion = version;
        Services = services;
        return true;
    }

    public Contact Contact => new(Id, Addresses);

    public void NoteHeard(TimeSpan now)
    {
        LastHeard = now;
        ProbeSentAt = null;
        IsLinkInDoubt = false;
    }

    public void NoteRoundTrip(TimeSpan sample)
    {
        (RoundTrip, RoundTripVariation) = Smooth(RoundTrip, RoundTripVariation, sample);
    }

    public void NoteReplyTime(TimeSpan sample)
    {
        (ReplyTime, ReplyTimeVariation) = Smooth(ReplyTime, ReplyTimeVariation, sample);
    }

    private static (TimeSpan Mean, TimeSpan Variation) Smooth(
        TimeSpan? mean, TimeSpan variation, TimeSpan sample)
    {
        if (mean is not { } m)
        {
            return (sample, sample / 2);
        }

        TimeSpan difference = (sample - m).Duration();
        return (m + ((sample - m) / 8), variation + ((difference - variation) / 4));
    }
}
