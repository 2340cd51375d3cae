using Igor.Dht.Protocol;

namespace Igor.Dht.Cli.Output;

/// <summary>
/// Tells of a drain while it goes on: people on standard error, at most once a second; programs on standard
/// output, a line of JSON each, of which the last says how it ended.
/// </summary>
internal sealed class DrainNotices(CommandStreams streams, bool isJson) : IProgress<DrainProgress>
{
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(1);

    private long _toldAt;

    /// <inheritdoc/>
    public void Report(DrainProgress value)
    {
        bool isEnd = value.Stage is DrainStage.Drained or DrainStage.Failed;
        long now = Environment.TickCount64;
        if (isEnd || now < _toldAt + s_pause.TotalMilliseconds)
        {
            return;
        }

        _toldAt = now;
        if (isJson)
        {
            streams.WriteLineAsync(DrainText.Json(value), CancellationToken.None).Wait();
        }
        else
        {
            streams.WriteErrorLine("igor-dht: " + DrainText.Human(value));
        }
    }
}
