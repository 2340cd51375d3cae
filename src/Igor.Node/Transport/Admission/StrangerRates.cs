using System.Net;
using Igor.Kbr;

namespace Igor.Node.Transport.Admission;

/// <summary>
/// How much strangers may send: each of them over all its links, all of one address, and all together.
/// Whoever sends more is not read for a while, so that it waits in its own system's buffers and costs no
/// decryption here. For what others have sent it waits no longer than if the links took turns with it, so
/// that those that send much delay themselves. Members are not held to a rate, nor is the only peer of a node
/// that has no members: it takes from nobody. Thread-safe.
/// </summary>
/// <param name="framesPerSecond">Frames that a stranger may send in a second.</param>
/// <param name="bytesPerSecond">Bytes that a stranger may send in a second.</param>
internal sealed class StrangerRates(int framesPerSecond, int bytesPerSecond)
{
    /// <summary>Seconds of its rate that a sender may send at once.</summary>
    private const int BurstSeconds = 2;

    /// <summary>Strangers at full rate that one address has room for: it may stand for many.</summary>
    private const int PerSource = 4;

    /// <summary>Strangers at full rate that the node has room for.</summary>
    private const int PerNode = 8;

    private readonly Lock _gate = new();
    private readonly Dictionary<IPAddress, (Rate Rate, int Links)> _sources = [];
    private readonly Dictionary<Key, (Rate Rate, int Links)> _peers = [];
    private readonly Rate _all = new(framesPerSecond, bytesPerSecond, PerNode);
    private int _links;
    private volatile bool _hasMembers;

    /// <summary>Whether members of the ring are connected.</summary>
    public bool HasMembers
    {
        get => _hasMembers;
        set => _hasMembers = value;
    }

    /// <summary>A link has come.</summary>
    /// <returns>What is its peer's own.</returns>
    public Rate Open(Key peer, IPAddress source)
    {
        lock (_gate)
        {
            _links++;
            AddLink(_sources, source, PerSource);
            return AddLink(_peers, peer, 1);
        }
    }

    /// <summary>A link has gone.</summary>
    public void Close(Key peer, IPAddress source)
    {
        lock (_gate)
        {
            _links--;
            RemoveLink(_sources, source);
            RemoveLink(_peers, peer);
        }
    }

    /// <summary>A stranger's frames came.</summary>
    /// <param name="own">What is its own.</param>
    /// <param name="source">Whom it shares with; null when only its own rate binds it.</param>
    /// <param name="now">The time.</param>
    /// <param name="frames">How many came.</param>
    /// <param name="bytes">How long they are.</param>
    /// <returns>How long to read no more of it; zero when it may go on.</returns>
    public TimeSpan Take(Rate own, IPAddress? source, TimeSpan now, int frames, int bytes)
    {
        lock (_gate)
        {
            if (!_hasMembers && _links <= 1)
            {
                return TimeSpan.Zero;
            }

            TimeSpan wait = own.Take(now, frames, bytes);
            if (source is null || !_sources.TryGetValue(source, out var known))
            {
                return wait;
            }

            wait = Max(wait, _all.TakeInTurn(now, frames, bytes, _links));
            return Max(wait, known.Rate.TakeInTurn(now, frames, bytes, known.Links));
        }
    }

    private Rate AddLink<T>(Dictionary<T, (Rate Rate, int Links)> rates, T key, int senders)
        where T : notnull
    {
        Rate rate = rates.TryGetValue(key, out var known)
            ? known.Rate
            : new Rate(framesPerSecond, bytesPerSecond, senders);
        rates[key] = (rate, known.Links + 1);
        return rate;
    }

    private static void RemoveLink<T>(Dictionary<T, (Rate Rate, int Links)> rates, T key)
        where T : notnull
    {
        if (rates.Remove(key, out var known) && known.Links > 1)
        {
            rates[key] = (known.Rate, known.Links - 1);
        }
    }

    private static TimeSpan Max(TimeSpan a, TimeSpan b) => a > b ? a : b;

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;

    /// <summary>Frames and bytes that one sender, or several, may send.</summary>
    internal sealed class Rate(int framesPerSecond, int bytesPerSecond, int senders)
    {
        private readonly TokenBucket _frames = Bucket(framesPerSecond, senders);
        private readonly TokenBucket _bytes = Bucket(bytesPerSecond, senders);

        /// <summary>Takes what came.</summary>
        public TimeSpan Take(TimeSpan now, int frames, int bytes) =>
            Max(_frames.Take(now, frames), _bytes.Take(now, bytes));

        /// <summary>
        /// Takes what came over one of several links. What the others took makes it wait, but only as long as
        /// one with as much from each of them would: the debt of all is not the debt of each.
        /// </summary>
        public TimeSpan TakeInTurn(TimeSpan now, int frames, int bytes, int links) => Min(
            Take(now, frames, bytes),
            Max(_frames.TimeFor((double)frames * links), _bytes.TimeFor((double)bytes * links)));

        private static TokenBucket Bucket(double perSecond, int senders) =>
            new(perSecond * senders, perSecond * senders * BurstSeconds);
    }
}
