namespace Igor.Kbr.Overlay.Machines;

/// <summary>What kind of thing happened.</summary>
public enum OverlayEventKind
{
    /// <summary>The node became an active member of the ring, or reaches it again.</summary>
    Joined,

    /// <summary>The node reaches none of those whom it was given or knows; the text says why.</summary>
    Alone,

    /// <summary>A peer completed the handshake.</summary>
    PeerConnected,

    /// <summary>The last link to a peer is gone.</summary>
    PeerLost,

    /// <summary>A peer was refused, or refused us; the text says why.</summary>
    Refused,

    /// <summary>An address could not be reached; the text says why.</summary>
    DialFailed,

    /// <summary>A peer broke the protocol and was disconnected; the text says how.</summary>
    ProtocolError,

    /// <summary>The peers worth remembering for the next start changed.</summary>
    PeersChanged,

    /// <summary>
    /// Another node runs under this node's identity, and was started later: it has to end. The text says
    /// where.
    /// </summary>
    IdentityClash,

    /// <summary>
    /// Another node runs under this node's identity, and was started earlier: this one has to end. The text
    /// says where the other is.
    /// </summary>
    IdentityLost,

    /// <summary>A peer drops requests, and lost its place; the text says for how long.</summary>
    PeerSilent,

    /// <summary>A bound was reached and something was dropped; the text says what.</summary>
    LimitReached,

    /// <summary>The wall clock of this host, or of the peer's, is off; the text says by how much.</summary>
    ClockDeviates,
}

/// <summary>Something that an operator may want to know.</summary>
/// <param name="Kind">What kind of thing happened.</param>
/// <param name="Peer">The peer it is about; zero when there is none.</param>
/// <param name="Text">For people: the cause, an address.</param>
public sealed record OverlayEvent(OverlayEventKind Kind, Key Peer, string Text);
