using System.Diagnostics;
using System.Globalization;
using Igor.Dht.Cli.Failures;

namespace Igor.Dht.Cli.CommandLine;

/// <summary>
/// What ends a command before it is done: a signal, or its time. A time that was given bounds the whole
/// command, whatever it waits for. The default one bounds each of its stages that other nodes have a part in,
/// but not the reading of a value and the writing of a result: there may be people at the other end.
/// </summary>
internal sealed class Deadline : IDisposable
{
    /// <summary>
    /// How long after its time an operation of the DHT is cut off: it ends by itself at that time, and knows
    /// better what was wrong.
    /// </summary>
    private static readonly TimeSpan Slack = TimeSpan.FromSeconds(1);

    /// <summary>How long closing may take when the time is over or a signal came.</summary>
    private static readonly TimeSpan ClosingPatience = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan LastWords = TimeSpan.FromMilliseconds(200);

    private static readonly TimeSpan LeftMin = TimeSpan.FromMilliseconds(100);

    private readonly CancellationTokenSource _source;
    private readonly CancellationToken _interrupted;
    private readonly TimeSpan _time;
    private readonly bool _isGiven;
    private long _started;

    /// <param name="given">The time that was asked for; null for the default.</param>
    /// <param name="standard">The default.</param>
    /// <param name="interrupted">Cancelled by a signal.</param>
    public Deadline(TimeSpan? given, TimeSpan standard, CancellationToken interrupted)
    {
        _interrupted = interrupted;
        _source = CancellationTokenSource.CreateLinkedTokenSource(interrupted);
        _time = given ?? standard;
        _isGiven = given is not null;
        _started = Stopwatch.GetTimestamp();
        Pause();
    }

    /// <summary>Cancelled by a signal, or when the time is over.</summary>
    public CancellationToken Token => _source.Token;

    /// <summary>What is left of the time, for an operation that takes one.</summary>
    public TimeSpan Left
    {
        get
        {
            TimeSpan left = _time - Stopwatch.GetElapsedTime(_started);
            return left > LeftMin ? left : LeftMin;
        }
    }

    /// <summary>The time, for people.</summary>
    public string Text => string.Create(CultureInfo.InvariantCulture, $"{_time.TotalSeconds:0.###} s");

    /// <summary>A stage begins that other nodes have a part in: the default time counts from now.</summary>
    public void Start()
    {
        _started = _isGiven ? _started : Stopwatch.GetTimestamp();
        _source.CancelAfter(Left + Slack);
    }

    /// <summary>A wait for whoever gives the value or takes the result begins.</summary>
    public void Pause() => _source.CancelAfter(_isGiven ? Left : Timeout.InfiniteTimeSpan);

    /// <summary>Waits for work, until a signal comes or the time is over.</summary>
    /// <param name="work">The work; it is left alone when it does not end by itself.</param>
    /// <param name="late">What it means that the time is over.</param>
    public async Task<T> BoundAsync<T>(Task<T> work, Func<CommandFailure> late)
    {
        try
        {
            return await work.WaitAsync(Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (Token.IsCancellationRequested)
        {
            // It has the same token, and knows better what it was about.
            await Task.WhenAny(work, Task.Delay(LastWords, CancellationToken.None)).ConfigureAwait(false);
        }

        try
        {
            return work.IsCompleted
                ? await work.ConfigureAwait(false)
                : throw new OperationCanceledException(Token);
        }
        catch (OperationCanceledException) when (IsOver)
        {
            throw late();
        }
    }

    /// <summary>Waits until a result is written, to whoever reads it or does not.</summary>
    public async Task WritingAsync(Func<CancellationToken, Task> write)
    {
        Pause();
        await BoundAsync(
            Finished(write(Token)), () => CommandFailure.Local($"nobody has read the output within {Text}"))
            .ConfigureAwait(false);
    }

    /// <summary>Waits until something is closed, not much longer than the command may run.</summary>
    public async Task CloseAsync(IAsyncDisposable closing)
    {
        Start();
        Task closed = closing.DisposeAsync().AsTask();
        try
        {
            await closed.WaitAsync(Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!closed.IsCompleted)
        {
            await Task.WhenAny(closed, Task.Delay(ClosingPatience, CancellationToken.None))
                .ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _source.Dispose();

    private static async Task<bool> Finished(Task work)
    {
        await work.ConfigureAwait(false);
        return true;
    }

    private bool IsOver => Token.IsCancellationRequested && !_interrupted.IsCancellationRequested;
}
