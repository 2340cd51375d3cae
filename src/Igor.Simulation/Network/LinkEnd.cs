using System.Buffers.Binary;
using Igor.Kbr.Overlay.Machines;
using Igor.Simulation.Engine;

namespace Igor.Simulation.Network;

/// <summary>
/// One end of a TCP-like link: what is sent to it arrives whole, once and in order, until either end closes
/// or its process or machine dies. Frames on their way are events whose target is the end they go to.
/// </summary>
internal sealed class LinkEnd : SimEventTarget
{
    public LinkEnd(LinkId id, NodeProcess process)
        : base(process.TraceId)
    {
        Id = id;
        Process = process;
    }

    public LinkId Id { get; }

    public NodeProcess Process { get; }

    /// <summary>The other end.</summary>
    public LinkEnd Remote { get; set; } = null!;

    /// <summary>Its place among the links of its process.</summary>
    public int Place { get; set; }

    public bool IsOpen { get; set; }

    /// <summary>What the node at this end says that the other one is to it.</summary>
    public PeerStanding Standing { get; set; }

    /// <summary>How long a packet takes to this end, in ticks, when nothing is in its way.</summary>
    public long OneWay { get; init; }

    /// <summary>When the machine at the other end lost power: what had not left it by then is gone.</summary>
    public long SenderOffAt { get; set; } = long.MaxValue;

    /// <summary>When the last event sent to this end arrives; nothing sent later arrives earlier.</summary>
    public long LastArrival { get; set; }

    /// <summary>When the round-trip time is to be read again.</summary>
    public long MeasureAt { get; set; }

    /// <summary>Bytes sent to this end that have not arrived.</summary>
    public int BacklogBytes { get; set; }

    /// <summary>What this end sends at this instant: frames, each after its length.</summary>
    public byte[]? Unsent { get; set; }

    public int UnsentBytes { get; set; }

    /// <summary>What was sent to this end while the path was blocked; null while it is not.</summary>
    public HeldEvents? Held { get; set; }

    public override void Handle(in SimEvent simEvent)
    {
        if (Process.IsStalled)
        {
            Process.Defer(simEvent);
            return;
        }

        switch (simEvent.Kind)
        {
            case SimEventKind.Frames:
                HandleFrames(simEvent);
                break;
            case SimEventKind.LinkOpened:
                HandleOpened();
                break;
            default:
                HandleEnd(simEvent.Kind == SimEventKind.LinkReset
                    ? "connection reset"
                    : "closed by the peer");
                break;
        }
    }

    /// <summary>Appends a frame to what is sent at this instant.</summary>
    public void Append(BufferPool buffers, ReadOnlySpan<byte> header, ReadOnlySpan<byte> payload)
    {
        int length = header.Length + payload.Length;
        int end = UnsentBytes + Transport.LengthBytes + length;
        if (Unsent is null || Unsent.Length < end)
        {
            byte[] larger = buffers.Rent(end);
            if (Unsent is { } smaller)
            {
                smaller.AsSpan(0, UnsentBytes).CopyTo(larger);
                buffers.Return(smaller);
            }

            Unsent = larger;
        }

        Span<byte> frame = Unsent.AsSpan(UnsentBytes);
        BinaryPrimitives.WriteInt32BigEndian(frame, length);
        header.CopyTo(frame[Transport.LengthBytes..]);
        payload.CopyTo(frame[(Transport.LengthBytes + header.Length)..]);
        UnsentBytes = end;
    }

    private void HandleFrames(in SimEvent simEvent)
    {
        byte[] buffer = (byte[])simEvent.Body!;
        bool wasSent = simEvent.Number <= SenderOffAt;
        if (wasSent && Process.IsAlive)
        {
            BacklogBytes -= simEvent.Length;
            if (IsOpen)
            {
                Process.ReceiveFrames(this, buffer.AsMemory(0, simEvent.Length));
            }
        }
        else if (wasSent && Process.Node.IsMachineUp)
        {
            Process.Transport.Reset(Remote);
        }

        // Whoever keeps a frame longer than the call that brought it shall notice.
        buffer.AsSpan(0, simEvent.Length).Fill(0xDB);
        Process.Transport.Buffers.Return(buffer);
    }

    private void HandleOpened()
    {
        if (Process.IsAlive)
        {
            IsOpen = true;
            Process.AcceptLink(this);
        }
        else if (Process.Node.IsMachineUp)
        {
            Process.Transport.Reset(Remote);
        }
    }

    private void HandleEnd(string cause)
    {
        if (IsOpen)
        {
            IsOpen = false;
            Process.LoseLink(this, cause);
        }
    }

    /// <summary>Events that wait until a path is not blocked any more.</summary>
    /// <param name="since">When it was found to be blocked.</param>
    internal sealed class HeldEvents(long since) : Queue<SimEvent>
    {
        public long Since => since;
    }
}
