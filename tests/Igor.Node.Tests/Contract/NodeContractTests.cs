using Igor.Testing;

namespace Igor.Node.Tests;

// The contract in a node's own process.
public sealed class NodeAttachingTests() : KbrAttachingContract(NodeWorld.CreateAsync);

public sealed class NodeCancellingTests() : KbrCancellingContract(NodeWorld.CreateAsync);

public sealed class NodeFailuresTests() : KbrFailuresContract(NodeWorld.CreateAsync);

public sealed class NodeRoutingTests() : KbrRoutingContract(NodeWorld.CreateAsync);

public sealed class NodeUpcallsTests() : KbrUpcallsContract(NodeWorld.CreateAsync);
