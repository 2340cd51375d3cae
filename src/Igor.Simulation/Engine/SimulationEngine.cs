
namespace Igor.Simulation.Engine;

/// <summary>
/// A discrete-event engine: virtual time, one thread, events in the order of (time, posting). It knows
/// nothing of networks. The same seed and the same calls give the same run, which <see cref="TraceHash"/>
/// proves.
/// </summary>
/// <remarks>
/// Asynchronous code runs inside: an <c>await</c> of a simulated request, or of a delay of the simulation's
/// <see cref="TimeProvider"/>, goes on as an event of the run. Whatever needs another thread (Task.Run, real
/// timers, input and output) cannot be simulated: calls from other threads throw
/// <see cref="InvalidOperationException"/>, and a continuation that comes from one fails the run. With
/// ConfigureAwait(false) only simulated requests and delays may be awaited, and methods that do likewise:
/// what else awaits so goes on at the thread pool. The simulation belongs to the thread that made it, and
/// then to the one that ran it last.
/// </remarks>
public sealed class SimulationEngine
{
    private const long PulseMask = (1 << 14) - 1;
    private readonly SimulationContext _inside;
    private string? _foreign;
    private volatile int _depth;
    private int _thread = Environment.CurrentManagedThreadId;
    private readonly CallbackTarget _callbacks = new();
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
        _inside = new SimulationContext(this, outside: null);
        TimeProvider = new SimulatedTimeProvider(this, static () => DateTimeOffset.UnixEpoch);
    }

    /// <summary>The seed.</summary>
    public ulong Seed { get; }

    /// <summary>Virtual time since the start.</summary>
    public TimeSpan Now => new(_now);

    /// <summary>Hash over all that happened until now.</summary>
    public ulong TraceHash => _trace.Value;

    /// <summary>Virtual time for delays and timers; its wall clock starts in 1970.</summary>
    public TimeProvider TimeProvider { get; }

    /// <summary>Number of events handled until now.</summary>
    public long EventsHandled { get; private set; }

    /// <summary>Number of events that wait.</summary>
    public int EventsWaiting => _queue.Count;

    /// <summary>
    /// Told when the code under simulation fails, before the run goes on; null (the default) lets the run
    /// throw instead, after the event in which it happened. A run that threw may be continued.
    /// </summary>
    public Action<SimulationFailureException>? Failed { get; set; }

    /// <summary>Called every few thousand events, between two of them; null for nobody.</summary>
    internal Action? Pulse { get; set; }

    /// <summary>A generator for one purpose.</summary>
    public SimRandom RandomFor(string purpose) => _random.For(purpose);

    /// <summary>Calls back when some time has passed.</summary>
    public void After(TimeSpan delay, Action callback)
    {
        ArgumentNullException.ThrowIfNull(callback);
        ArgumentOutOfRangeException.ThrowIfLessThan(delay, TimeSpan.Zero);
        CheckThread();
        Post(_now + delay.Ticks, new SimEvent(_callbacks, SimEventKind.Callback, Body: callback));
    }

    /// <summary>Handles the next event; false when there is none.</summary>
    /// <exception cref="SimulationFailureException">The code under simulation failed.</exception>
    public bool Step() => _queue.Count > 0 && Enter(static engine => engine.HandleNext(), this);

    /// <summary>Handles all events up to a time, and sets the clock to it.</summary>
    /// <exception cref="SimulationFailureException">The code under simulation failed.</exception>
    public void RunUntil(TimeSpan time)
    {
        Enter(
            static run =>
            {
                while (run.engine._queue.Count > 0 && run.engine._queue.NextTime <= run.time.Ticks)
                {
                    run.engine.HandleNext();
                }

                return true;
            },
            (engine: this, time));
        _now = Math.Max(_now, time.Ticks);
    }

    private bool HandleNext()
    {
        SimEvent simEvent = _queue.Take(out _now);
        if ((++EventsHandled & PulseMask) == 0)
        {
            Pulse?.Invoke();
        }

        Record(simEvent.Kind, simEvent.Target.TraceId, (ulong)simEvent.Number, simEvent.Length, simEvent.Tag);
        simEvent.Target.Handle(simEvent);
        if (Interlocked.Exchange(ref _foreign, null) is { } foreign)
        {
            Report(foreign, null);
        }

        if (_failure is { } failure)
        {
            _failure = null;
            throw failure;
        }

        return true;
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

    /// <summary>Whether the calling thread is the one that the simulation belongs to.</summary>
    internal bool IsOnThread => Volatile.Read(ref _thread) == Environment.CurrentManagedThreadId;

    /// <summary>Whether events are handled now.</summary>
    internal bool IsRunning => _depth > 0;

    /// <summary>Sees to it that a call comes from the simulation's thread.</summary>
    /// <exception cref="InvalidOperationException">It does not.</exception>
    internal void CheckThread()
    {
        if (!IsOnThread)
        {
            throw new InvalidOperationException(
                "A simulation is called from its own thread only: from the code that runs it, from upcalls "
                + "and callbacks, and from asynchronous code inside of it (SimulatedNetwork.Run, "
                + "SimulatedNode.Run). This call comes from another thread, as after Task.Run, a real timer, "
                + "real input and output, or ConfigureAwait(false); for delays use "
                + "SimulatedNetwork.TimeProvider.");
        }
    }

    /// <summary>
    /// Code that used the simulation between two runs goes on at another thread: the simulation goes with it.
    /// </summary>
    internal void Adopt()
    {
        if (_depth == 0)
        {
            Volatile.Write(ref _thread, Environment.CurrentManagedThreadId);
        }
    }

    /// <summary>Runs code inside the simulation: its awaits come back here.</summary>
    internal TResult Enter<T, TResult>(Func<T, TResult> code, T argument)
    {
        if (_depth > 0)
        {
            CheckThread();
        }

        SynchronizationContext? before = SynchronizationContext.Current;
        Volatile.Write(ref _thread, Environment.CurrentManagedThreadId);
        SynchronizationContext.SetSynchronizationContext(_inside);
        _depth++;
        try
        {
            return code(argument);
        }
        finally
        {
            _depth--;
            SynchronizationContext.SetSynchronizationContext(before);
        }
    }

    /// <summary>
    /// Something is about to be awaited: when that is in code that was started outside of a run, the await
    /// comes back into the simulation all the same. The context stays with the asynchronous method that
    /// calls, which puts back the one before when it returns.
    /// </summary>
    internal void PrepareAwait()
    {
        CheckThread();
        SynchronizationContext? current = SynchronizationContext.Current;
        if (current is not SimulationContext known || known.Engine != this)
        {
            SynchronizationContext.SetSynchronizationContext(_depth > 0
                ? _inside
                : new SimulationContext(this, current ?? new SynchronizationContext()));
        }
    }

    /// <summary>
    /// Completes what is awaited. Without a context meanwhile: .NET sends awaits that forget theirs
    /// (ConfigureAwait(false)) to the thread pool from within another, and goes on with them here otherwise.
    /// </summary>
    internal static void Complete<T>(Action<T> completes, T argument)
    {
        SynchronizationContext? before = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            completes(argument);
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(before);
        }
    }

    /// <summary>Goes on with asynchronous code, as an event of now.</summary>
    internal void PostContinuation(Action continuation) => Post(
        _now,
        new SimEvent(
            _callbacks,
            SimEventKind.Callback,
            Body: (Action)(() =>
            {
                try
                {
                    continuation();
                }
                catch (Exception problem) when (problem is not OutOfMemoryException)
                {
                    Report($"Asynchronous code threw: {problem.Message}", problem);
                }
            })));

    /// <summary>Another thread completed what code inside the simulation awaits; the run fails.</summary>
    internal void ReportForeignContinuation() => Interlocked.Exchange(
        ref _foreign,
        "Code inside the simulation awaits what another thread completed (Task.Run, a real timer, input or "
        + "output), which no run can repeat. For delays use SimulatedNetwork.TimeProvider.");

    /// <summary>Posts an event; returns where it waits.</summary>
    internal int Post(long time, in SimEvent simEvent) => _queue.Post(Math.Max(time, _now), simEvent);

    /// <summary>Takes back an event that waits; false when it comes all the same.</summary>
    internal bool TryCancel(int place) => _queue.TryCancel(place);

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

    /// <summary>The world itself.</summary>
    private sealed class CallbackTarget() : SimEventTarget(traceId: -1)
    {
        public override void Handle(in SimEvent simEvent) => ((Action)simEvent.Body!)();
    }
}
