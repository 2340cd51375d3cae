using Igor.Kbr;
using MessagePack;

namespace Igor.Dht.Protocol.Messages;

/// <summary>
/// Where a node builds one message after the other. Whoever sends the one built last may hold it for longer;
/// the next is built in another buffer then.
/// </summary>
internal sealed class PayloadBuffer
{
    private const int FirstBytes = 1000;
    private const int KeptBytesMax = 64 * 1024;

    private PooledPayload _payload = new(FirstBytes);

    /// <summary>The message built last, held until the next is begun.</summary>
    public PooledPayload Payload => _payload;

    /// <summary>Its bytes.</summary>
    public ReadOnlyMemory<byte> Written => _payload.Memory;

    /// <summary>Begins a message with its kind and that many fields after it.</summary>
    public MessagePackWriter Begin(MessageKind kind, int fields)
    {
        if (!_payload.TryClear(KeptBytesMax))
        {
            _payload.Release();
            _payload = new PooledPayload(FirstBytes);
        }

        var writer = new MessagePackWriter(_payload);
        writer.WriteArrayHeader(fields + 1);
        writer.Write((int)kind);
        return writer;
    }
}
