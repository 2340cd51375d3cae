namespace Igor.Kbr.Overlay.Routing;

/// <summary>
/// Messages that pass through and wait for the word of an application that asked to see them. Bounded in
/// number and time: beyond either they go on as they are.
/// </summary>
internal sealed class ForwardDesk(NodeContext context)
{
    private const int ParkedMax = 1024;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly Dictionary<long, Action<TimeSpan, ForwardDecision>> _parked = [];
    private long _nextId;

    public bool IsFull => _parked.Count >= ParkedMax;

    /// <summary>Shows a message to the application; what follows from its word is called once.</summary>
    public void Park(
        TimeSpan now, ServiceId service, in KbrForward message, Action<TimeSpan, ForwardDecision> decided)
    {
        long id = ++_nextId;
        _parked.Add(id, decided);
        context.Timers.Schedule(now + Patience, later => Resume(later, id, ForwardDecision.Continue));
        context.Output.Forward(service, id, message);
    }

    public void Resume(TimeSpan now, long id, ForwardDecision decision)
    {
        if (_parked.Remove(id, out Action<TimeSpan, ForwardDecision>? decided))
        {
            decided(now, decision);
        }
    }
}
