using Igor.Dht.Protocol.Ring;
using Igor.Dht.Protocol.Views;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Tests.Views.Exploring;

/// <summary>What do you hold of these keys, which you promised me?</summary>
internal sealed record ListRequest(KeySpan Span, Ballot Ballot);

/// <summary>What a voter holds, values included.</summary>
internal sealed record ListReply(Voter From, ListRequest Request, IReadOnlyDictionary<Key, Cell> Cells);

/// <summary>An operation of a client.</summary>
internal sealed record ClientRequest(RegisterOperation Operation);

/// <summary>Its end, and under which ballot it had begun.</summary>
internal sealed record ClientReply(OperationId Id, Ballot Begun, RegisterAnswer Answer);
