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
    ISimEventTarget Target,
    SimEventKind Kind,
    long Number = 0,
    object? Body = null,
    int Length = 0,
    uint Tag = 0);

/// <summary>Handles events.</summary>
internal interface ISimEventTarget
{
    /// <summary>Number of the node it belongs to, for the trace; -1 for the world itself.</summary>
    int TraceId { get; }

    void Handle(in SimEvent simEvent);
}
