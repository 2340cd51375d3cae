using Igor.Kbr;
using Microsoft.Extensions.Logging;

namespace Igor.Client;

/// <summary>
/// Runs the application's code one call at a time, wherever it comes from: the reader, a timer, a request
/// that fails at once. Code that throws is reported and the client goes on, as a node does with a plug-in.
/// </summary>
internal sealed class UpcallGate(ILogger logger)
{
    private readonly Lock _lock = new();

    private const string EndOfRequest = "the callback of a request";

    /// <summary>Runs a call now, on this thread, after the one that is running.</summary>
    /// <returns>What it threw, which has been reported; null when all went well.</returns>
    public Exception? Run<T>(string service, string upcall, Action<T> call, T argument)
    {
        lock (_lock)
        {
            try
            {
                call(argument);
                return null;
            }
            catch (Exception exception) when (exception is not OutOfMemoryException)
            {
                ClientLog.UpcallThrew(logger, service, upcall, exception);
                return exception;
            }
        }
    }

    /// <summary>Tells of the end of a request.</summary>
    public void End(string service, Action<KbrReply> completed, in KbrReply reply) => Run(
        service, EndOfRequest, static call => call.completed(call.reply), (completed, reply));

    /// <summary>
    /// Tells of the end of a request soon, on the thread pool: for callers that may hold locks of their own.
    /// </summary>
    public void PostEnd(string service, Action<KbrReply> completed, KbrStatus status) =>
        ThreadPool.UnsafeQueueUserWorkItem(
            static state => state.gate.End(state.service, state.completed, KbrReply.Failed(state.status)),
            (gate: this, service, completed, status),
            preferLocal: false);
}
