namespace Igor.Simulation;

/// <summary>
/// A discrete-event engine: virtual time, one thread, events in the order of (time, posting). It knows
/// nothing of networks. The same seed and the same calls give the same run, which <see cref="TraceHash"/>
/// proves.
/// </summary>
public sealed class SimulationEngine : ISimEventTarget
{
    private readonly EventQueue _queue = new();
    private readonly SimRandom _random;
    private SimulationFailureException? _failure;
    private TraceHash _trace;
    private long _now;

    /// <summary>Makes an engine at time 0.</summary>
    public SimulationEngine(ulong seed)
    {
        Seed = seed;
        _random = new SimRandom(seed);
    }

    /// <summary>The seed.</summary>
    public ulong Seed { get; }

    /// <summary>Virtual time since the start.</summary>
    public TimeSpan Now => new(_now);

    /// <summary>Hash over all that happened until now.</summary>
    public ulong TraceHash => _trace.Value;

    /// <summary>Number of events handled until now.</summary>
    public long EventsHandled { get; private set; }

    /// <summary>Number of events that wait.</summary>
    public int EventsWaiting => _queue.Count;

    /// <summary>
    /// Told when the code under simulation fails, before the run goes on; null (the default) lets the run
    /// throw instead, after the event in which it happened. A run that threw may be continued.
    /// </summary>
    public Action<SimulationFailureException>? Failed { get; set; }

    int ISimEventTarget.TraceId => -1;

    /// <summary>A generator for one purpose.</summary>
    public SimRandom RandomFor(string purpose) => _random.For(purpose);

    /// <summary>Calls back when some time has passed.</summary>
    public void After(TimeSpan delay, Action callback)
    {
        ArgumentNullException.ThrowIfNull(callback);
        ArgumentOutOfRangeException.ThrowIfLessThan(delay, TimeSpan.Zero);
        Post(_now + delay.Ticks, new SimEvent(this, SimEventKind.Callback, Body: callback));
    }

    /// <summary>Handles the next event; false when there is none.</summary>
    /// <exception cref="SimulationFailureException">The code under simulation failed.</exception>
    public bool Step()
    {
        if (_queue.Count == 0)
        {
            return false;
        }

        SimEvent simEvent = _queue.Take(out _now);
        EventsHandled++;
        Record(simEvent.Kind, simEvent.Target.TraceId, (ulong)simEvent.Number, simEvent.Length, simEvent.Tag);
        simEvent.Target.Handle(simEvent);
        if (_failure is { } failure)
        {
            _failure = null;
            throw failure;
        }

        return true;
    }

    /// <summary>Handles all events up to a time, and sets the clock to it.</summary>
    public void RunUntil(TimeSpan time)
    {
        while (_queue.Count > 0 && _queue.NextTime <= time.Ticks)
        {
            Step();
        }

        _now = Math.Max(_now, time.Ticks);
    }

    /// <summary>Handles all events of a span of time from now.</summary>
    public void RunFor(TimeSpan span) => RunUntil(Now + span);

    /// <summary>
    /// Runs until a condition holds or the time is up, and says whether it holds. The condition is tried now
    /// and then every <paramref name="checkEvery"/> (0.1 s when not given).
    /// </summary>
    public bool RunUntil(Func<bool> condition, TimeSpan limit, TimeSpan? checkEvery = null)
    {
        ArgumentNullException.ThrowIfNull(condition);
        TimeSpan end = Now + limit;
        TimeSpan step = checkEvery ?? TimeSpan.FromMilliseconds(100);
        while (!condition())
        {
            if (Now >= end)
            {
                return false;
            }

            RunUntil(Now + step < end ? Now + step : end);
        }

        return true;
    }

    void ISimEventTarget.Handle(in SimEvent simEvent) => ((Action)simEvent.Body!)();

    internal void Post(long time, in SimEvent simEvent) => _queue.Post(Math.Max(time, _now), simEvent);

    /// <summary>The code under simulation failed; of several failures in one event one counts.</summary>
    internal void Report(string what, Exception? cause)
    {
        var failure = new SimulationFailureException($"{what} At {Now}, seed {Seed}.", cause);
        if (Failed is { } failed)
        {
            failed(failure);
        }
        else
        {
            _failure ??= failure;
        }
    }

    private void Record(SimEventKind kind, int node, ulong number, int length, uint tag)
    {
        _trace.Add((ulong)_now);
        _trace.Add(((ulong)kind << 32) | (uint)node);
        _trace.Add(number);
        _trace.Add(((ulong)tag << 32) | (uint)length);
    }
}
