namespace Igor.Simulation.Network;

/// <summary>
/// Sees every frame as it is sent, from outside of the code under test. The spans are valid during the call.
/// </summary>
/// <param name="from">The sender.</param>
/// <param name="to">The receiver.</param>
/// <param name="header">The first part of the frame's body, as the sender passed it.</param>
/// <param name="payload">The rest of it.</param>
public delegate void FrameTap(
    SimulatedNode from, SimulatedNode to, ReadOnlySpan<byte> header, ReadOnlySpan<byte> payload);
