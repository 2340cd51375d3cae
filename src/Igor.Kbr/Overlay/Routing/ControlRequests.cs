using System.Buffers;
using System.Collections.Immutable;
using Igor.Kbr.Overlay.Rings;
using Igor.Kbr.Wire;
using MessagePack;

namespace Igor.Kbr.Overlay.Routing;

/// <summary>
/// Requests that a ring's root answers itself. There is one: who is near this key? The answer is the root and
/// its neighbours; joining nodes ask it for their own id, finger selection for a place far away.
/// </summary>
internal sealed class ControlRequests
{
    /// <summary>The contacts of this node and its neighbours; set by the node.</summary>
    public Func<ServiceRing, ImmutableArray<Contact>> Contacts { get; set; } = _ => [];

    public ReadOnlyMemory<byte> Answer(ServiceRing ring, Key asker)
    {
        ImmutableArray<Contact> contacts = Contacts(ring).RemoveAll(c => c.Id == asker);
        var buffer = new ArrayBufferWriter<byte>(1024);
        var writer = new MessagePackWriter(buffer);
        PeerCodec.WriteContacts(ref writer, contacts);
        writer.Flush();
        return buffer.WrittenMemory;
    }
}
