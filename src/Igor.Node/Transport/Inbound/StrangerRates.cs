using System.Net;
using Igor.Kbr;

namespace Igor.Node;

/// <summary>
/// How much strangers may send: each of them, all of one address, and all together. Whoever sends more is
/// not read for a while, so that it waits in its own system's buffers and costs no decryption here. Members
/// are not held to a rate, nor is the only peer of a node that has no members: it takes from nobody.
/// Thread-safe.
/// </summary>
internal sealed class StrangerRates(TransportOptions options)
{
    /// <summary>Seconds of its rate that a sender may send at once.</summary>
    private const int BurstSeconds = 2;

    /// <summary>Strangers at full rate that one address has room for: it may stand for many.</summary>
    private const int PerSource = 4;

    /// <summary>Strangers at full rate that the node has room for.</summary>
    private const int PerNode = 8;

    private readonly Lock _gate = new();
    private readonly Dictionary<IPAddress, (Rate Rate, int Links)> _sources = [];
    private readonly Rate _all = new(options, PerNode);
    private int _links;
    private volatile bool _hasMembers;

    /// <summary>Whether members of the ring are connected.</summary>
    public bool HasMembers
    {
        get => _hasMembers;
        set => _hasMembers = value;
    }

    /// <summary>A link has come.</summary>
    /// <returns>What is its own.</returns>
    public Rate Open(IPAddress source)
    {
        lock (_gate)
        {
            _links++;
            _sources[source] = _sources.TryGetValue(source, out var known)
                ? (known.Rate, known.Links + 1)
                : (new Rate(options, PerSource), 1);
        }

        return new Rate(options, 1);
    }

    /// <summary>A link of the source has gone.</summary>
    public void Close(IPAddress source)
    {
        lock (_gate)
        {
            _links--;
            if (_sources.Remove(source, out var known) && known.Links > 1)
            {
                _sources[source] = (known.Rate, known.Links - 1);
            }
        }
    }

    /// <summary>A stranger's frames came.</summary>
    /// <returns>How long to read no more of it; zero when it may go on.</returns>
    public TimeSpan Take(Rate own, IPAddress source, TimeSpan now, int frames, int bytes)
    {
        lock (_gate)
        {
            if (!_hasMembers && _links <= 1)
            {
                return TimeSpan.Zero;
            }

            TimeSpan wait = Max(own.Take(now, frames, bytes), _all.Take(now, frames, bytes));
            return _sources.TryGetValue(source, out var known)
                ? Max(wait, known.Rate.Take(now, frames, bytes))
                : wait;
        }
    }

    private static TimeSpan Max(TimeSpan a, TimeSpan b) => a > b ? a : b;

    /// <summary>Frames and bytes that one sender, or several, may send.</summary>
    internal sealed class Rate(TransportOptions options, int senders)
    {
        private readonly TokenBucket _frames = Bucket(options.StrangerFramesPerSecond, senders);
        private readonly TokenBucket _bytes = Bucket(options.StrangerBytesPerSecond, senders);

        /// <summary>Takes what came.</summary>
        public TimeSpan Take(TimeSpan now, int frames, int bytes) =>
            Max(_frames.Take(now, frames), _bytes.Take(now, bytes));

        private static TokenBucket Bucket(double perSecond, int senders) =>
            new(perSecond * senders, perSecond * senders * BurstSeconds);
    }
}
