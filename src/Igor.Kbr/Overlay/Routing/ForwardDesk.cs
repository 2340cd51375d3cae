using Igor.Kbr.Overlay.Machines;

namespace Igor.Kbr.Overlay.Routing;

/// <summary>
/// Messages that pass through and wait for the word of an application that asked to see them. Bounded in
/// number, bytes and time: beyond any of them they go on as they are.
/// </summary>
internal sealed class ForwardDesk(NodeContext context)
{
    private const int ParkedMax = 1024;

    /// <summary>Several of the largest messages; an eighth of what a node holds by default.</summary>
    private const int ParkedBytesMax = 8 * 1024 * 1024;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly Dictionary<long, Parked> _parked = [];
    private long _nextId;
    private long _parkedBytes;

    public bool HasRoom(int bytes) => _parked.Count < ParkedMax && _parkedBytes + bytes <= ParkedBytesMax;

    /// <summary>Shows a message to the application; what follows from its word is called once.</summary>
    public void Park(
        TimeSpan now,
        ServiceId service,
        in KbrForward message,
        Action<TimeSpan, ForwardDecision> decided,
        Key from = default)
    {
        long id = ++_nextId;
        int bytes = message.Payload.Length;
        _parked.Add(id, new Parked(bytes, decided, from));
        _parkedBytes += bytes;
        context.Timers.Schedule(now + Patience, later => Resume(later, id, ForwardDecision.Continue));
        context.Output.Forward(service, id, message);
    }

    public void Resume(TimeSpan now, long id, ForwardDecision decision)
    {
        if (_parked.Remove(id, out Parked parked))
        {
            _parkedBytes -= parked.Bytes;
            parked.Decided(now, decision);
        }
    }

    /// <summary>Whether a message that came from a peer waits.</summary>
    public bool Holds(Key from) => _parked.Values.Any(parked => parked.From == from);

    private readonly record struct Parked(int Bytes, Action<TimeSpan, ForwardDecision> Decided, Key From);
}
