using Polly;
using Polly.Retry;

namespace Igor.Client;

/// <summary>
/// Tries to connect until it succeeds: fast at first, since a daemon that restarts is back within a second,
/// then slower, with jitter, so that many applications do not come back at the same moment. In a file of its
/// own so that a program that never loses its daemon never loads Polly.
/// </summary>
internal static class Reconnection
{
    public static async Task<DaemonConnection> RunAsync(
        IgorClientOptions options,
        Func<CancellationToken, Task<DaemonConnection>> connect,
        CancellationToken cancellationToken,
        Action<string>? failed = null)
    {
        ResiliencePipeline<DaemonConnection> pipeline = new ResiliencePipelineBuilder<DaemonConnection>()
            .AddRetry(new RetryStrategyOptions<DaemonConnection>
            {
                // Whatever it was: a client that gave up would never come back.
                ShouldHandle = static arguments => ValueTask.FromResult(
                    arguments.Outcome.Exception is not (null or OperationCanceledException)),
                MaxRetryAttempts = int.MaxValue,
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
                Delay = options.ReconnectDelay,
                MaxDelay = options.ReconnectDelayMax,
                OnRetry = arguments =>
                {
                    string cause = arguments.Outcome.Exception?.Message ?? "";
                    failed?.Invoke(cause);
                    ClientLog.StillWaiting(options.Logger, arguments.AttemptNumber + 1, cause);
                    return default;
                },
            })
            .Build();
        return await pipeline.ExecuteAsync(
            async token => await connect(token).ConfigureAwait(false), cancellationToken)
            .ConfigureAwait(false);
    }
}
