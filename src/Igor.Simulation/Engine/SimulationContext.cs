namespace Igor.Simulation.Engine;

/// <summary>
/// Brings the continuations of simulated awaits back into the simulation: as events at the same virtual time,
/// in the order in which they came.
/// </summary>
/// <param name="engine">The simulation.</param>
/// <param name="outside">
/// Where what another thread completes belongs, for code that was started outside of a run; null inside of
/// one, where nothing may come from another thread.
/// </param>
internal sealed class SimulationContext(SimulationEngine engine, SynchronizationContext? outside)
    : SynchronizationContext
{
    public SimulationEngine Engine => engine;

    public override void Post(SendOrPostCallback d, object? state)
    {
        if (engine.IsOnThread && (outside is null || engine.IsRunning))
        {
            engine.PostContinuation(() => d(state));
        }
        else if (outside is not null)
        {
            outside.Post(
                _ =>
                {
                    engine.Adopt();
                    d(state);
                },
                null);
        }
        else
        {
            engine.ReportForeignContinuation();
        }
    }

    public override void Send(SendOrPostCallback d, object? state)
    {
        engine.CheckThread();
        d(state);
    }

    public override SynchronizationContext CreateCopy() => this;
}
