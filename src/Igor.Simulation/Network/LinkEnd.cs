using System.Buffers;
using Igor.Kbr.Overlay.Machines;
using Igor.Simulation.Engine;

namespace Igor.Simulation.Network;

/// <summary>
/// One end of a TCP-like link: what is sent to it arrives whole, once and in order, until either end closes
/// or its process or machine dies. Frames on their way are events whose target is the end they go to.
/// </summary>
internal sealed class LinkEnd : ISimEventTarget
{
    private readonly Transport _transport;

    public LinkEnd(Transport transport, LinkId id, NodeProcess process)
    {
        _transport = transport;
        Id = id;
        Process = process;
    }

    public LinkId Id { get; }

    public NodeProcess Process { get; }

    /// <summary>The other end.</summary>
    public LinkEnd Remote { get; set; } = null!;

    public bool IsOpen { get; set; }

    /// <summary>What the node at this end says that the other one is to it.</summary>
    public PeerStanding Standing { get; set; }

    /// <summary>When the last event sent to this end arrives; nothing sent later arrives earlier.</summary>
    public long LastArrival { get; set; }

    /// <summary>When the round-trip time is to be read again.</summary>
    public long MeasureAt { get; set; }

    /// <summary>Bytes sent to this end that have not arrived.</summary>
    public long BacklogBytes { get; set; }

    /// <summary>What was sent to this end while the path was blocked, and since when.</summary>
    public Queue<SimEvent>? Held { get; set; }

    public long HeldSince { get; set; }

    public int TraceId => Process.Node.Index;

    public void Handle(in SimEvent simEvent)
    {
        if (Process.IsStalled)
        {
            Process.Defer(simEvent);
            return;
        }

        switch (simEvent.Kind)
        {
            case SimEventKind.Frame:
                HandleFrame(simEvent);
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

    private void HandleFrame(in SimEvent simEvent)
    {
        byte[] buffer = (byte[])simEvent.Body!;
        bool wasSent = Remote.Process.PoweredOffAt is not { } off || simEvent.Number <= off;
        if (wasSent && Process.Node.IsMachineUp)
        {
            BacklogBytes -= simEvent.Length;
            if (!Process.IsAlive)
            {
                _transport.Reset(Remote);
            }
            else if (IsOpen)
            {
                Process.ReceiveFrame(this, buffer, simEvent.Length);
            }
        }

        // Whoever keeps a frame longer than the call that brought it shall notice.
        buffer.AsSpan(0, simEvent.Length).Fill(0xDB);
        ArrayPool<byte>.Shared.Return(buffer);
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
            _transport.Reset(Remote);
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
}
