using System.Buffers;
using System.Runtime.CompilerServices;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Overlay.Machines;

/// <summary>What the machines of one node share.</summary>
internal sealed class NodeContext(Key id, OverlayOptions options, IOverlayOutput output, ulong seed)
{
    public Key Id { get; } = id;

    public OverlayOptions Options { get; } = options;

    public IOverlayOutput Output { get; } = output;

    public SeededRandom Random { get; } = new(seed);

    public Timers Timers { get; } = new();

    public PeerTable Peers { get; } = new();

    public UpkeepBudget Budget { get; } = new(options.UpkeepBytesPerSecond);

    /// <summary>All machines of the node: whoever has news tells them through this list.</summary>
    public MachineList Machines { get; } = new();

    /// <summary>
    /// What the host's wall clock showed when monotonic time was zero, in milliseconds since 1970 UTC, by its
    /// last reading; null before the first.
    /// </summary>
    public long? WallAtZeroMs { get; set; }

    /// <summary>What the host's wall clock shows, for messages; 0 when it was never read.</summary>
    public long WallClockMs(TimeSpan now) =>
        WallAtZeroMs is { } zero ? Math.Max(1, zero + (now.Ticks / TimeSpan.TicksPerMillisecond)) : 0;

    /// <summary>Sends a message; false when the link takes no more.</summary>
    public bool Send<TMessage>(Link link, in TMessage message)
        where TMessage : struct, IWireMessage<TMessage>
    {
        ArrayBufferWriter<byte> scratch = Output.Scratch;
        scratch.ResetWrittenCount();
        WireMessage.Write(scratch, message);
        Budget.NoteSent(scratch.WrittenCount + UpkeepBudget.FrameOverheadBytes);
        return Send(link, scratch.WrittenSpan, default);
    }

    /// <summary>Sends a frame; false when the link takes no more, or its other end none so large.</summary>
    public bool Send(Link link, ReadOnlySpan<byte> header, ReadOnlySpan<byte> rest) =>
        header.Length + rest.Length <= link.FrameBytesMax && Output.Send(link.Id, header, rest);

    /// <inheritdoc cref="Send{TMessage}(Link, in TMessage)"/>
    public bool Send<TMessage>(Peer peer, in TMessage message)
        where TMessage : struct, IWireMessage<TMessage> => Send(peer.Link, message);

    /// <summary>Tells the host what happened.</summary>
    public void Raise(OverlayEventKind kind, Key peer, string text)
    {
        if (Output.WantsEvents)
        {
            Output.Raise(new OverlayEvent(kind, peer, text));
        }
    }

    /// <summary>Tells the host what happened; the text is only made when the host wants it.</summary>
    public void Raise(
        OverlayEventKind kind, Key peer, [InterpolatedStringHandlerArgument("")] ref EventText text)
    {
        if (Output.WantsEvents)
        {
            Output.Raise(new OverlayEvent(kind, peer, text.ToStringAndClear()));
        }
    }
}
