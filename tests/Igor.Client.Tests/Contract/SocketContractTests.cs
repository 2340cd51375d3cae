using Igor.Testing;

namespace Igor.Client.Tests;

// The contract over the local sockets of nodes.
public sealed class SocketAttachingTests() : KbrAttachingContract(SocketWorld.CreateAsync);

public sealed class SocketCancellingTests() : KbrCancellingContract(SocketWorld.CreateAsync);

public sealed class SocketFailuresTests() : KbrFailuresContract(SocketWorld.CreateAsync);

public sealed class SocketRoutingTests() : KbrRoutingContract(SocketWorld.CreateAsync);

public sealed class SocketUpcallsTests() : KbrUpcallsContract(SocketWorld.CreateAsync);
