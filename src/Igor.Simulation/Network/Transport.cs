using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Immutable;
using Igor.Kbr.Overlay.Machines;
using Igor.Simulation.Engine;

namespace Igor.Simulation.Network;

/// <summary>
/// The wires: connects processes and carries frames between link ends, with latency, jitter, loss (as TCP
/// shows it: delay), bandwidth and the faults in force.
/// </summary>
internal sealed class Transport
{
    /// <summary>Of a frame's length, before each.</summary>
    public const int LengthBytes = 4;

    /// <summary>Most that a record of TLS carries: what is sent at one instant travels together.</summary>
    private const int RecordBytesMax = 16 * 1024;

    private const int RecordOverheadBytes = 22;
    private const int PacketOverheadBytes = 40; // TCP and IP
    private const int PacketBytes = 1460;

    // As measured of real links, from their first packet to their last: 744 and 889 bytes of TLS with
    // certificates on both sides and no tickets, in six and four packets, and 122 for each side's close.
    private const int HandshakeBytesOfDialler = 1186;
    private const int HandshakeBytesOfOther = 1227;
    private static readonly TimeSpan AddressHeadStart = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan ResumeDelayMax = TimeSpan.FromSeconds(10);
    private readonly SimulationEngine _engine;
    private readonly SimulationOptions _options;
    private readonly ILatencyModel _latency;
    private readonly SimRandom _random;
    private readonly Paths _paths;
    private readonly Dictionary<string, SimulatedNode> _addresses = [];
    private readonly LinkEnds _links = new();
    private readonly List<LinkEnd> _sending = [];
    private readonly List<LinkEnd> _holding = [];

    public Transport(SimulationEngine engine, SimulationOptions options, ILatencyModel latency)
    {
        _engine = engine;
        _options = options;
        _latency = latency;
        _random = engine.RandomFor("transport");
        Faults = new NetworkFaults(ReleaseHeld);
        _paths = new Paths(options, latency, Faults, _random);
    }

    public NetworkFaults Faults { get; }

    public BufferPool Buffers { get; } = new();

    /// <summary>Where nodes write messages, one after the other.</summary>
    public ArrayBufferWriter<byte> Scratch { get; } = new(2048);

    /// <summary>Queues for the work of processes that have some to do.</summary>
    public Stack<Queue<NodeWork>> SpareQueues { get; } = [];

    public FrameTap? Tap { get; set; }

    public long FramesSent { get; private set; }

    /// <summary>The frames sent, by type.</summary>
    public FrameCounts Counts { get; } = new();

    public long RecordsSent { get; private set; }

    public long BytesSent { get; private set; }

    public long HandshakesMade { get; private set; }

    public void Register(SimulatedNode node)
    {
        _addresses.Add(node.Address, node);
        _latency.Place(node.Index, _random);
    }

    /// <summary>Takes what nodes say while they are connected all at once; null at other times.</summary>
    public Assembly? Assembly { get; set; }

    /// <summary>
    /// TCP and TLS 1.3: the one who dials is through after two round trips, the other half a round trip
    /// later. Each address is tried a moment after the one before, where nobody answers.
    /// </summary>
    public void Dial(NodeProcess process, DialId dial, ImmutableArray<string> addresses)
    {
        if (Assembly is { } assembly)
        {
            assembly.HandleDial(dial);
            return;
        }

        int at = 0;
        while (at + 1 < addresses.Length && !Answers(process.Node, addresses[at]))
        {
            at++;
        }

        long start = _engine.Now.Ticks + (at * AddressHeadStart.Ticks);
        string address = addresses[at];
        var attempt = new DialAttempt(dial, new DialProgress(at), start + _options.ConnectTimeout.Ticks);
        if (_addresses.TryGetValue(address, out SimulatedNode? target))
        {
            attempt.Target = target;
            long arrival = start + _paths.Delay(process.Node.Index, target.Index, 100);
            _engine.Post(arrival, new SimEvent(process, SimEventKind.DialArrived, dial.Value, attempt));
        }
        else
        {
            attempt.Failure = "no such host: " + address;
            Answer(process, attempt, start + TimeSpan.TicksPerMillisecond);
        }
    }

    /// <summary>The first packet of an attempt reached the other host.</summary>
    public void HandleDialArrived(NodeProcess process, DialAttempt attempt)
    {
        SimulatedNode target = attempt.Target!;
        long now = _engine.Now.Ticks;
        long back = _paths.Delay(target.Index, process.Node.Index, 100);
        if (!target.IsMachineUp || IsCut(process.Node, target))
        {
            attempt.Failure = "timed out";
            Answer(process, attempt, attempt.Deadline);
        }
        else if (target.Process is not { IsAlive: true })
        {
            attempt.Failure = "connection refused";
            Answer(process, attempt, now + back);
        }
        else
        {
            attempt.TargetProcess = target.Process;
            Answer(process, attempt, now + (3 * back));
        }
    }

    /// <summary>
    /// The end of an attempt at the one who dialled. Returns its end of the new link, or null (the attempt
    /// says why, or goes on when it does not).
    /// </summary>
    public LinkEnd? FinishDial(NodeProcess process, DialAttempt attempt)
    {
        if (attempt.Failure is not null || attempt.TargetProcess is not { } remote)
        {
            return null;
        }

        long now = _engine.Now.Ticks;
        if (!remote.IsAlive && remote.Node.IsMachineUp)
        {
            attempt.Failure = "connection reset";
            return null;
        }

        if (!remote.IsAlive || remote.StalledUntil >= attempt.Deadline || IsCut(process.Node, remote.Node))
        {
            attempt.Failure = "timed out";
            Answer(process, attempt, attempt.Deadline);
            attempt.IsPostponed = true;
            return null;
        }

        if (remote.StalledUntil > now)
        {
            Answer(
                process,
                attempt,
                remote.StalledUntil + _paths.Delay(remote.Node.Index, process.Node.Index, 1000));
            attempt.IsPostponed = true;
            return null;
        }

        return Connect(process, remote);
    }

    public LinkEnd? Find(LinkId link) => _links.Find(link);

    /// <summary>Nobody will ask for this end any more.</summary>
    public void Forget(LinkEnd end) => _links.Remove(end);

    /// <summary>Sends a frame, together with all that is sent on the link at this instant.</summary>
    public bool Send(LinkEnd from, ReadOnlySpan<byte> header, ReadOnlySpan<byte> payload)
    {
        if (Assembly is { } assembly)
        {
            assembly.HandleFrame(from, header);
            return true;
        }

        LinkEnd to = from.Remote;
        int length = LengthBytes + header.Length + payload.Length;
        if (!from.IsOpen || to.BacklogBytes + length > _options.LinkBacklogBytesMax)
        {
            return false;
        }

        if (from.UnsentBytes > 0 && from.UnsentBytes + length > RecordBytesMax)
        {
            Flush(from);
        }

        if (from.UnsentBytes == 0)
        {
            _sending.Add(from);
        }

        from.Append(Buffers, header, payload);
        to.BacklogBytes += length;
        FramesSent++;
        Counts.Add(header, header.Length + payload.Length);
        Tap?.Invoke(from.Process.Node, to.Process.Node, header, payload);
        return true;
    }

    /// <summary>What was sent at this instant goes out.</summary>
    public void Flush()
    {
        for (int i = 0; i < _sending.Count; i++)
        {
            Flush(_sending[i]);
        }

        _sending.Clear();
    }

    private void Flush(LinkEnd from)
    {
        if (from.UnsentBytes == 0)
        {
            return;
        }

        byte[] buffer = from.Unsent!;
        int length = from.UnsentBytes;
        from.Unsent = null;
        from.UnsentBytes = 0;
        int records = 1 + ((length - 1) / RecordBytesMax);
        int packets = 1 + ((length + (records * RecordOverheadBytes) - 1) / PacketBytes);
        int bytes = length + (records * RecordOverheadBytes) + (packets * PacketOverheadBytes);
        RecordsSent += records;
        BytesSent += bytes;
        SimulatedNode sender = from.Process.Node;
        sender.CountSent(bytes);
        long departure = sender.TakeUplink(_engine.Now.Ticks, bytes, _options.UplinkBytesPerSecond);
        uint tag = BinaryPrimitives.ReadUInt32BigEndian(buffer.AsSpan(LengthBytes));
        Convey(
            from,
            from.Remote,
            new SimEvent(from.Remote, SimEventKind.Frames, departure, buffer, length, tag),
            departure,
            length);
    }

    /// <summary>The round-trip time of a link as a kernel would measure it.</summary>
    public TimeSpan RoundTrip(LinkEnd end)
    {
        return new TimeSpan(_paths.Delay(end, 0) + _paths.Delay(end.Remote, 0));
    }

    /// <summary>Tells the other end that this one is closed, behind all that was sent before.</summary>
    public void Finish(LinkEnd from, SimEventKind kind)
    {
        Flush(from);
        from.IsOpen = false;
        long now = _engine.Now.Ticks;
        Convey(from, from.Remote, new SimEvent(from.Remote, kind, now), now, 0);
    }

    /// <summary>A packet came for a connection that its host does not know: the sender learns it.</summary>
    public void Reset(LinkEnd sender)
    {
        long now = _engine.Now.Ticks;
        Convey(sender.Remote, sender, new SimEvent(sender, SimEventKind.LinkReset, now), now, 0);
    }

    /// <summary>Makes a link; returns the end at the first process. Neither has been told.</summary>
    public LinkEnd Join(NodeProcess process, NodeProcess remote)
    {
        int host = process.Node.Index;
        int remoteHost = remote.Node.Index;
        LinkEnd near = _links.Add(process, _latency.OneWay(remoteHost, host));
        LinkEnd far = _links.Add(remote, _latency.OneWay(host, remoteHost));
        near.IsOpen = true;
        near.Remote = far;
        far.Remote = near;
        HandshakesMade++;
        BytesSent += HandshakeBytesOfDialler + HandshakeBytesOfOther;
        process.Node.CountSent(HandshakeBytesOfDialler);
        remote.Node.CountSent(HandshakeBytesOfOther);
        return near;
    }

    private LinkEnd Connect(NodeProcess process, NodeProcess remote)
    {
        LinkEnd near = Join(process, remote);
        LinkEnd far = near.Remote;
        long now = _engine.Now.Ticks;
        Convey(near, far, new SimEvent(far, SimEventKind.LinkOpened, far.Id.Value), now, 1500);
        return near;
    }

    private void Answer(NodeProcess process, DialAttempt attempt, long time) =>
        _engine.Post(time, new SimEvent(process, SimEventKind.DialAnswered, attempt.Dial.Value, attempt));

    private bool Answers(SimulatedNode asker, string address) =>
        _addresses.TryGetValue(address, out SimulatedNode? there)
        && there is { IsMachineUp: true, Process.IsAlive: true } && !IsCut(asker, there);

    private bool IsCut(SimulatedNode left, SimulatedNode right) =>
        Faults.Active > 0
        && (Faults.IsBlocked(left.Index, right.Index) || Faults.IsBlocked(right.Index, left.Index));

    private void Convey(LinkEnd from, LinkEnd to, in SimEvent simEvent, long departure, int length)
    {
        if (to.Held is not null || (Faults.Active > 0 && _paths.IsBlocked(to)))
        {
            if (to.Held is null)
            {
                to.Held = new LinkEnd.HeldEvents(_engine.Now.Ticks);
                _holding.Add(to);
            }

            to.Held.Enqueue(simEvent);
            return;
        }

        to.LastArrival = Math.Max(to.LastArrival, departure + _paths.Delay(to, length));
        _engine.Post(to.LastArrival, simEvent);
    }

    private void ReleaseHeld()
    {
        int kept = 0;
        long now = _engine.Now.Ticks;
        for (int i = 0; i < _holding.Count; i++)
        {
            LinkEnd to = _holding[i];
            if (_paths.IsBlocked(to))
            {
                _holding[kept++] = to;
                continue;
            }

            // The next retransmission comes at most as long after the last one as the silence has lasted.
            var silence = new TimeSpan(Math.Min(now - to.Held!.Since, ResumeDelayMax.Ticks));
            TimeSpan resume = _random.Between(TimeSpan.Zero, silence);
            long arrival = now + resume.Ticks + _paths.Delay(to, 0);
            to.LastArrival = Math.Max(to.LastArrival, arrival);
            foreach (SimEvent simEvent in to.Held)
            {
                bool isLost = to.SenderOffAt != long.MaxValue;
                _engine.Post(to.LastArrival, isLost ? simEvent with { Number = long.MaxValue } : simEvent);
            }

            to.Held = null;
        }

        _holding.RemoveRange(kept, _holding.Count - kept);
    }
}
