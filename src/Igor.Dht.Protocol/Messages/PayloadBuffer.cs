using System.Buffers;
using MessagePack;

namespace Igor.Dht.Protocol.Messages;

/// <summary>
/// The buffer in which a node builds one message after the other; hosts copy it before the call that sends it
/// returns. Gives memory of an unusually large message back.
/// </summary>
internal sealed class PayloadBuffer : IBufferWriter<byte>
{
    private const int KeptBytesMax = 512 * 1024;

    private byte[] _bytes = new byte[4096];
    private int _length;

    /// <summary>The message built last.</summary>
    public ReadOnlyMemory<byte> Written => _bytes.AsMemory(0, _length);

    /// <summary>Begins a message with its kind and that many fields after it.</summary>
    public MessagePackWriter Begin(MessageKind kind, int fields)
    {
        _length = 0;
        if (_bytes.Length > KeptBytesMax)
        {
            _bytes = new byte[4096];
        }

        var writer = new MessagePackWriter(this);
        writer.WriteArrayHeader(fields + 1);
        writer.Write((int)kind);
        return writer;
    }

    /// <inheritdoc/>
    public void Advance(int count) => _length += count;

    /// <inheritdoc/>
    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _bytes.AsMemory(_length);
    }

    /// <inheritdoc/>
    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _bytes.AsSpan(_length);
    }

    private void Reserve(int sizeHint)
    {
        int needed = _length + Math.Max(sizeHint, 256);
        if (needed > _bytes.Length)
        {
            Array.Resize(ref _bytes, Math.Max(needed, _bytes.Length * 2));
        }
    }
}
