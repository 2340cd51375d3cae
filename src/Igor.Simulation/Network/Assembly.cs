using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Wire;

namespace Igor.Simulation.Network;

/// <summary>
/// Connects nodes at one instant: their own code dials, opens links and says hello, and what they say to
/// introduce themselves arrives at once. All else that they say at that instant is taken for said: the others
/// know it already, since they are connected in the same way.
/// </summary>
internal sealed class Assembly(Transport transport, TimeSpan now)
{
    /// <summary>
    /// Each neighbour that comes has sets and tables made anew, and the old ones live long enough to be taken
    /// for old. Of them a large network has as much as of what stays, which is why they are collected more
    /// often than the runtime would.
    /// </summary>
    private const long CollectAfterBytes = 1L << 30;

    private const int LookEvery = 1024;

    private readonly Queue<(LinkEnd To, byte[] Body)> _frames = [];
    private long _collectAt = CollectAfterBytes;
    private int _connected;
    private DialId? _dial;

    /// <summary>Connects two nodes, the first of which dials.</summary>
    public void Connect(NodeProcess from, NodeProcess to, bool isFinger)
    {
        _dial = null;
        var contact = new Contact(to.Overlay.Id, [to.Node.Address]);
        from.Overlay.Vouch(now);
        to.Overlay.Vouch(now);
        from.Overlay.Connect(now, contact, isFinger ? LinkPurpose.Finger : LinkPurpose.Neighbour);
        if (_dial is { } dial)
        {
            LinkEnd near = transport.Join(from, to);
            to.OpenLink(near.Remote, dial: null);
            from.OpenLink(near, dial);
            while (_frames.TryDequeue(out var frame))
            {
                frame.To.Process.ReceiveFrame(frame.To, frame.Body);
            }
        }

        from.Settle();
        to.Settle();
        if (++_connected % LookEvery == 0 && GC.GetTotalMemory(forceFullCollection: false) > _collectAt)
        {
            GC.Collect();
            _collectAt = GC.GetTotalMemory(forceFullCollection: false) + CollectAfterBytes;
        }
    }

    /// <summary>A node dials; it is what this asked it for, or will be asked for again.</summary>
    public void HandleDial(DialId dial) => _dial = dial;

    /// <summary>A node sends a frame.</summary>
    public void HandleFrame(LinkEnd from, ReadOnlySpan<byte> header)
    {
        if (header.Length > 1 && (MessageType)header[1] is MessageType.Hello or MessageType.Accept)
        {
            _frames.Enqueue((from.Remote, header.ToArray()));
        }
    }
}
