using Igor.Kbr;

namespace Igor.Simulation.Network;

/// <summary>What waits inside a process: upcalls for its applications and downcalls for its node.</summary>
internal enum NodeWorkKind : byte
{
    Deliver,
    Forward,
    Complete,
    Update,
    Route,
    Request,
    Reply,
    Fail,
    Subscribe,
    Unsubscribe,
    ResumeForward,
}

/// <summary>
/// One piece of work. It holds a copy of an upcall's payload in a pooled buffer, because that is valid only
/// during the call that brings it; a downcall's it holds as it is.
/// </summary>
internal struct NodeWork
{
    public NodeWorkKind Kind;
    public ServiceId Service;
    public Key Destination;
    public Key Peer;
    public Key NextHop;
    public long Number;
    public KbrRequestId RequestId;
    public TimeSpan Timeout;
    public bool Exact;
    public bool IsSourceProven;
    public bool IsTemporary;
    public KbrStatus Status;
    public object? Argument;
    private PooledPayload? _pooled;
    private byte[]? _buffer;
    private int _length;

    public readonly ReadOnlyMemory<byte> Payload => _pooled?.Memory ?? _buffer.AsMemory(0, _length);

    public NodeWork With(PooledPayload payload)
    {
        _pooled = payload.Hold();
        return this;
    }

    public NodeWork With(ReadOnlySpan<byte> payload, BufferPool buffers)
    {
        _length = payload.Length;
        if (_length > 0)
        {
            _buffer = buffers.Rent(_length);
            payload.CopyTo(_buffer);
        }

        return this;
    }

    public void Release(BufferPool buffers)
    {
        _pooled?.Release();
        _pooled = null;
        if (_buffer is not null)
        {
            // Whoever keeps a payload longer than the call that brought it shall notice.
            _buffer.AsSpan(0, _length).Fill(0xDB);
            buffers.Return(_buffer);
            _buffer = null;
        }
    }
}
