using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Igor.Dht;
using Igor.Dht.Protocol;

namespace Igor.BenchWorker;

/// <summary>A command of the benchmark: many operations, some at a time, with the latency of each.</summary>
internal sealed class WorkerRun(IgorDht dht, bool isPut, int first, int size)
{
    private readonly Lock _lock = new();
    private readonly List<double> _latenciesMs = [];
    private readonly List<double> _endsSeconds = [];
    private readonly Stopwatch _clock = new();
    private int _started;
    private int _done;
    private long _holders;
    private string? _error;

    /// <summary>Runs the operations and returns the answer line.</summary>
    public async Task<string> RunAsync(int count, int lanes, double secondsMax)
    {
        _clock.Start();
        await Task.WhenAll(
            Enumerable.Range(0, lanes).Select(_ => Task.Run(() => LaneAsync(count, secondsMax))));
        var answer = new StringBuilder();
        answer.Append(
            CultureInfo.InvariantCulture, $"{{\"done\":{_done},\"ok\":{_latenciesMs.Count},\"wall\":");
        double wallSeconds = WallSeconds(_done < count, secondsMax);
        answer.Append(wallSeconds.ToString("0.######", CultureInfo.InvariantCulture));
        answer.Append(",\"lat\":[");
        answer.AppendJoin(',', _latenciesMs.Select(l => l.ToString("0.###", CultureInfo.InvariantCulture)));
        answer.Append(']');
        if (_error is not null)
        {
            answer.Append(",\"err\":\"").Append(JsonEncodedText.Encode(_error)).Append('"');
        }

        if (_holders > 0 && _latenciesMs.Count > 0)
        {
            double mean = (double)_holders / _latenciesMs.Count;
            answer.Append(
                CultureInfo.InvariantCulture, $",\"note\":\"mean replicas acknowledged {mean:0.0}\"");
        }

        return answer.Append('}').ToString();
    }

    private async Task LaneAsync(int count, double secondsMax)
    {
        while (_clock.Elapsed.TotalSeconds < secondsMax)
        {
            int index = Interlocked.Increment(ref _started) - 1;
            if (index >= count)
            {
                return;
            }

            Interlocked.Increment(ref _done);
            await OneAsync(first + index);
        }
    }

    private async Task OneAsync(int id)
    {
        byte[] value = ValueOf(id, size);
        string name = "bench-" + id.ToString(CultureInfo.InvariantCulture);
        long start = Stopwatch.GetTimestamp();
        int holders = 0;
        string? error = null;
        try
        {
            if (isPut)
            {
                holders = (await dht.PutAsync(name, value)).Holders.Count;
            }
            else
            {
                GetResult result = await dht.GetAsync(name);
                bool isRight = result.Outcome == GetOutcome.Found && result.Value.Span.SequenceEqual(value);
                error = isRight ? null
                    : result.Outcome == GetOutcome.Found ? "wrong bytes"
                    : result.Outcome.ToString();
            }
        }
        catch (DhtException e)
        {
            error = e.Message;
        }

        double latencyMs = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        lock (_lock)
        {
            if (error is not null)
            {
                _error = error;
                return;
            }

            _holders += holders;
            _latenciesMs.Add(latencyMs);
            _endsSeconds.Add(_clock.Elapsed.TotalSeconds);
        }
    }

    /// <summary>
    /// Seconds to divide the successes by. Stopped by the clock: what ended inside the box counts. All
    /// issued: up to the 99th of 100 successes, so that one slow operation does not set the rate.
    /// </summary>
    private double WallSeconds(bool isBoxed, double secondsMax)
    {
        if (_endsSeconds.Count == 0)
        {
            return 15;
        }

        _endsSeconds.Sort();
        int inBox = _endsSeconds.Count(e => e <= secondsMax);
        if (isBoxed && inBox > 0)
        {
            return secondsMax * _endsSeconds.Count / inBox;
        }

        int index = (int)Math.Ceiling(_endsSeconds.Count * 0.99);
        return _endsSeconds[index - 1] * _endsSeconds.Count / index;
    }

    /// <summary>The value of a key: a function of both numbers, for a reader to check (xorshift64).</summary>
    private static byte[] ValueOf(int id, int size)
    {
        var value = new byte[size];
        ulong x = ((ulong)id * 0x9E3779B97F4A7C15) + 1;
        for (int i = 0; i < size; i++)
        {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            value[i] = (byte)x;
        }

        return value;
    }
}
