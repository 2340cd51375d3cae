using System.Collections.Immutable;

namespace Igor.Kbr.Wire;

/// <summary>A node and where it can be reached (host:port, best first).</summary>
internal readonly record struct Contact(Key Id, ImmutableArray<string> Addresses);

/// <summary>A service as a peer names it.</summary>
internal readonly record struct ServiceName(ServiceId Id, string Name);
