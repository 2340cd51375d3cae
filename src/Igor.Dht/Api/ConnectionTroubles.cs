using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Igor.Dht;

/// <summary>
/// Remembers the last reason why an embedded node could not connect, on the way of its log messages to where
/// they
/// go: whoever is told "not reachable" wants to know that.
/// </summary>
internal sealed class ConnectionTroubles(ILoggerFactory? inner) : ILoggerFactory
{
    // Of the log of Igor.Node.
    private const int Refused = 113;
    private const int DialFailed = 114;

    private volatile string? _last;

    /// <summary>The last reason, for people; null when there was none.</summary>
    public string? Last => _last;

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) =>
        new Listener(this, inner?.CreateLogger(categoryName) ?? NullLogger.Instance);

    /// <inheritdoc/>
    public void AddProvider(ILoggerProvider provider) => inner?.AddProvider(provider);

    /// <summary>The factory behind this one is its maker's.</summary>
    public void Dispose()
    {
    }

    private sealed class Listener(ConnectionTroubles troubles, ILogger inner) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => inner.BeginScope(state);

        public bool IsEnabled(LogLevel logLevel) =>
            logLevel >= LogLevel.Information || inner.IsEnabled(logLevel);

        public void Log<TState>(
            LogLevel logLevel,
            EventId eventId,
            TState state,
            Exception? exception,
            Func<TState, Exception?, string> formatter)
        {
            if (eventId.Id is Refused or DialFailed)
            {
                troubles._last = formatter(state, exception);
            }

            if (inner.IsEnabled(logLevel))
            {
                inner.Log(logLevel, eventId, state, exception, formatter);
            }
        }
    }
}
