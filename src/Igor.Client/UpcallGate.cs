using Microsoft.Extensions.Logging;

namespace Igor.Client;

/// <summary>
/// Runs the application's code one call at a time, wherever it comes from: the reader, a timer, a request
/// that fails at once. Code that throws is reported and the client goes on, as a node does with a plug-in.
/// </summary>
internal sealed class UpcallGate(ILogger logger)
{
    private readonly Lock _lock = new();

    /// <summary>Runs a call now, on this thread, after the one that is running.</summary>
    public void Run<T>(Action<T> call, T argument)
    {
        lock (_lock)
        {
            try
            {
                call(argument);
            }
            catch (Exception exception) when (exception is not OutOfMemoryException)
            {
                ClientLog.UpcallThrew(logger, exception);
            }
        }
    }

    /// <summary>Runs a call soon, on the thread pool: for callers that may hold locks of their own.</summary>
    public void Post<T>(Action<T> call, T argument) => ThreadPool.UnsafeQueueUserWorkItem(
        static state => state.gate.Run(state.call, state.argument),
        (gate: this, call, argument),
        preferLocal: false);
}
