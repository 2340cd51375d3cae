namespace Igor.Simulation.Engine;

/// <summary>
/// The code under simulation failed: an application threw, or did what cannot be simulated. The message says
/// where and when, and gives the seed.
/// </summary>
public sealed class SimulationFailureException : Exception
{
    /// <summary>Makes an exception with a message for people and its cause.</summary>
    public SimulationFailureException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Makes an exception with a message for people.</summary>
    public SimulationFailureException(string message)
        : base(message)
    {
    }

    /// <summary>Makes an exception without a message.</summary>
    public SimulationFailureException()
    {
    }
}
