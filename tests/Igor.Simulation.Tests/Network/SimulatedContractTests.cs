using Igor.Testing;

namespace Igor.Simulation.Tests;

// A simulated node keeps what the application interface promises.
public sealed class SimulatedAttachingTests() : KbrAttachingContract(SimulatedWorld.CreateAsync);

public sealed class SimulatedCancellingTests() : KbrCancellingContract(SimulatedWorld.CreateAsync);

public sealed class SimulatedFailuresTests() : KbrFailuresContract(SimulatedWorld.CreateAsync);

public sealed class SimulatedRoutingTests() : KbrRoutingContract(SimulatedWorld.CreateAsync);

public sealed class SimulatedUpcallsTests() : KbrUpcallsContract(SimulatedWorld.CreateAsync);
