using Igor.Dht.Protocol.Ring;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Views;

/// <summary>
/// What a coordinator asks of a voter about the keys of a span. Each is answered by a <see
/// cref="VoterReply"/>, and may be asked again, lost, or come late: it does nothing twice.
/// </summary>
/// <param name="Span">The keys.</param>
/// <param name="Ballot">The coordinator's.</param>
internal abstract record VoterRequest(KeySpan Span, Ballot Ballot);

/// <summary>
/// Promise to refuse lower ballots, and say what you keep of each piece. Nothing else raises a promise.
/// </summary>
/// <param name="Span">The keys.</param>
/// <param name="Ballot">The coordinator's.</param>
/// <param name="Lineage">Pieces of another lineage promise nothing.</param>
/// <param name="Invitation">
/// The view of a coordinator that serves and would have a newcomer learn: where it keeps nothing, it begins
/// to.
/// </param>
internal sealed record Prepare(KeySpan Span, Ballot Ballot, Lineage Lineage, View? Invitation = null)
    : VoterRequest(Span, Ballot);

/// <summary>Your registers are exactly mine: stand with me.</summary>
/// <param name="Span">The keys.</param>
/// <param name="Ballot">The coordinator's.</param>
/// <param name="View">The decided view that the coordinator serves.</param>
internal sealed record Stand(KeySpan Span, Ballot Ballot, View View) : VoterRequest(Span, Ballot);

/// <summary>Hold this register in the place of what you hold.</summary>
/// <param name="Key">Its key.</param>
/// <param name="Ballot">The coordinator's.</param>
/// <param name="Register">The register; null for a key that has none.</param>
/// <param name="Terms">A lease that is asked for besides.</param>
internal sealed record StoreRegister(Key Key, Ballot Ballot, Register? Register, LeaseTerms Terms)
    : VoterRequest(new KeySpan(Key, Key), Ballot)
{
    /// <summary>The version of the register, or none.</summary>
    public RegisterVersion Version => Register?.Version ?? RegisterVersion.None;
}

/// <summary>Grant a lease: promise nobody else for a while.</summary>
/// <param name="Ballot">The coordinator's.</param>
/// <param name="Terms">The lease.</param>
internal sealed record Confirm(Ballot Ballot, LeaseTerms Terms) : VoterRequest(Terms.Span, Ballot);

/// <summary>Accept a view as the next; asked of the voters of the one before.</summary>
/// <param name="Span">The keys.</param>
/// <param name="Ballot">The coordinator's.</param>
/// <param name="View">The decided view whose voters are asked.</param>
/// <param name="Next">The view to follow it.</param>
internal sealed record Adopt(KeySpan Span, Ballot Ballot, View View, View Next) : VoterRequest(Span, Ballot);

/// <summary>A majority adopted this view. It is a fact, whatever ballot tells it.</summary>
/// <param name="Span">The keys.</param>
/// <param name="Ballot">The coordinator's.</param>
/// <param name="View">The decided view.</param>
internal sealed record Decide(KeySpan Span, Ballot Ballot, View View) : VoterRequest(Span, Ballot);

/// <summary>The coordinator serves no more: its leases may end at once.</summary>
/// <param name="Span">The keys.</param>
/// <param name="Ballot">The coordinator's.</param>
internal sealed record Resign(KeySpan Span, Ballot Ballot) : VoterRequest(Span, Ballot);

/// <summary>A lease that a coordinator asks for.</summary>
/// <param name="Span">The keys, all that the coordinator serves under this ballot in one.</param>
/// <param name="Length">How long it is to last; 0 for none.</param>
/// <param name="SentAt">The coordinator's time when it asked, which comes back with the answer.</param>
internal readonly record struct LeaseTerms(KeySpan Span, TimeSpan Length, TimeSpan SentAt);
