namespace Igor.Simulation.Engine;

/// <summary>Kinds of events, for the trace and for whoever handles them.</summary>
internal enum SimEventKind : byte
{
    Callback,
    Deadline,
    Work,
    DialArrived,
    DialAnswered,
    LinkOpened,
    LinkFinished,
    LinkReset,
    Frames,
    Resume,
}

/// <summary>
/// One event. What the fields after the kind mean is up to the kind; those that are numbers go into the trace
/// hash.
/// </summary>
internal readonly record struct SimEvent(
    SimEventTarget Target,
    SimEventKind Kind,
    long Number = 0,
    object? Body = null,
    int Length = 0,
    uint Tag = 0);

/// <summary>
/// Handles events. A class, since calls through an interface that has several cost a search each.
/// </summary>
/// <param name="traceId">Number of the node it belongs to, for the trace; -1 for the world itself.</param>
internal abstract class SimEventTarget(int traceId)
{
    public int TraceId { get; } = traceId;

    public abstract void Handle(in SimEvent simEvent);
}
