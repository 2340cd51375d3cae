using System.Diagnostics;

namespace Igor.Benchmarks;

/// <summary>Keeps a number of messages outstanding for a time, and notes how long each took.</summary>
internal sealed class ClosedLoop
{
    private readonly IRoundTrips _trips;
    private readonly byte[] _message;
    private readonly long _until;
    private readonly long _started = Stopwatch.GetTimestamp();
    private readonly List<long> _ticks = new(1 << 20);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _gate = new();
    private int _outstanding;
    private long _last;

    private ClosedLoop(IRoundTrips trips, int bytes, TimeSpan time)
    {
        _trips = trips;
        _message = new byte[bytes];
        new Random(1).NextBytes(_message);
        _until = _started + (long)(time.TotalSeconds * Stopwatch.Frequency);
    }

    /// <summary>Runs one measurement.</summary>
    public static async Task<Figures> MeasureAsync(
        IRoundTrips trips, int bytes, int outstanding, TimeSpan time)
    {
        var loop = new ClosedLoop(trips, bytes, time) { _outstanding = outstanding };
        for (int i = 0; i < outstanding; i++)
        {
            var lane = new Lane(loop);
            lane.Send();
        }

        await loop._ended.Task.WaitAsync(time + TimeSpan.FromSeconds(30)).ConfigureAwait(false);
        loop._ticks.Sort();
        double seconds = (double)(loop._last - loop._started) / Stopwatch.Frequency;
        return new Figures(
            loop._ticks.Count / seconds, Microseconds(loop._ticks, 0.5), Microseconds(loop._ticks, 0.99));
    }

    private static double Microseconds(List<long> sorted, double quantile) =>
        sorted[(int)((sorted.Count - 1) * quantile)] * 1e6 / Stopwatch.Frequency;

    private bool Note(long sent)
    {
        lock (_gate)
        {
            _last = Stopwatch.GetTimestamp();
            _ticks.Add(_last - sent);
            if (_last < _until)
            {
                return true;
            }

            if (--_outstanding == 0)
            {
                _ended.SetResult();
            }

            return false;
        }
    }

    /// <summary>One of the messages that are outstanding at a time.</summary>
    private sealed class Lane
    {
        private readonly ClosedLoop _loop;
        private readonly Action _echoed;
        private long _sent;

        public Lane(ClosedLoop loop)
        {
            _loop = loop;
            _echoed = Echoed;
        }

        public void Send()
        {
            _sent = Stopwatch.GetTimestamp();
            _loop._trips.Send(_loop._message, _echoed);
        }

        private void Echoed()
        {
            if (_loop.Note(_sent))
            {
                Send();
            }
        }
    }
}

/// <summary>What one measurement gave.</summary>
/// <param name="PerSecond">Round trips per second.</param>
/// <param name="MedianMicroseconds">Median time of one.</param>
/// <param name="P99Microseconds">99th of 100.</param>
internal readonly record struct Figures(double PerSecond, double MedianMicroseconds, double P99Microseconds);
