using Igor.Kbr;

namespace Igor.Node.Disk;

/// <summary>
/// Writes the peer cache a little after the peers changed, and not again for a while, however often they
/// change.
/// </summary>
internal sealed class PeerCacheKeeper : IAsyncDisposable
{
    /// <summary>
    /// A node that dies must not come back without knowing whom it met, so little is waited for.
    /// </summary>
    private static readonly TimeSpan Delay = TimeSpan.FromMilliseconds(50);

    /// <summary>Least time between two writes, each of which costs the disk a few milliseconds.</summary>
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    private readonly PeerCache _cache;
    private readonly Func<Task<IReadOnlyList<KnownMember>?>> _members;
    private readonly TimeProvider _clock;
    private readonly ITimer _timer;
    private readonly Lock _gate = new();
    private Task _writing = Task.CompletedTask;
    private long _written;
    private bool _isSet;
    private bool _hasWritten;
    private bool _ended;

    /// <summary>Makes a keeper.</summary>
    /// <param name="cache">What to write.</param>
    /// <param name="members">Asks the node for the members that it knows; null when it is closed.</param>
    /// <param name="clock">Time.</param>
    public PeerCacheKeeper(
        PeerCache cache, Func<Task<IReadOnlyList<KnownMember>?>> members, TimeProvider clock)
    {
        _cache = cache;
        _members = members;
        _clock = clock;
        _timer = clock.CreateTimer(
            static keeper => ((PeerCacheKeeper)keeper!).Ring(),
            this,
            Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan);
    }

    /// <summary>The peers changed.</summary>
    public void NoteChange()
    {
        lock (_gate)
        {
            if (_isSet || _ended)
            {
                return;
            }

            _isSet = true;
            TimeSpan wait = _hasWritten ? Period - _clock.GetElapsedTime(_written) : Delay;
            _timer.Change(wait > Delay ? wait : Delay, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>Writes the members that the node knows now, whatever the rate.</summary>
    public async Task WriteAsync()
    {
        if (await _members().ConfigureAwait(false) is { } members)
        {
            _cache.Remember(members);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _timer.DisposeAsync().ConfigureAwait(false);
        Task writing;
        lock (_gate)
        {
            _ended = true;
            writing = _writing;
        }

        await writing.ConfigureAwait(false);
    }

    private void Ring()
    {
        lock (_gate)
        {
            _isSet = false;
            if (_ended)
            {
                return;
            }

            _hasWritten = true;
            _written = _clock.GetTimestamp();
            _writing = Task.Run(WriteAsync);
        }
    }
}
