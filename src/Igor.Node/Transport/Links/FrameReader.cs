using System.Buffers.Binary;
using System.Diagnostics;
using System.Threading.Tasks.Sources;
using Igor.Kbr;
using Igor.Local.Sockets;
using Igor.Node.Memory;
using Igor.Node.Scheduling;

namespace Igor.Node.Transport.Links;

/// <summary>
/// The receiving half of a link. It waits for bytes without holding a buffer, reads what is there, and has
/// all whole frames handled on the strand, some in each turn, before it reads on; so a link never has more
/// than one piece of work in the strand's queue. A frame's length is checked before memory is taken for it,
/// and the buffer grows only as its bytes arrive, so a length that is a lie costs nothing. It grows within
/// the peer's share of what the node holds: beyond that the peer has to wait with its bytes, and after a
/// while to go.
/// </summary>
internal sealed class FrameReader : IValueTaskSource
{
    /// <summary>
    /// Frames that are handled in one turn while others wait for theirs; half a millisecond of routing.
    /// </summary>
    private const int FramesPerTurn = 16;

    private static readonly TimeSpan PauseMax = TimeSpan.FromMilliseconds(200);

    /// <summary>One TLS record of the largest size.</summary>
    private const int BufferBytesMin = 16 * 1024;

    private readonly TlsLink _link;
    private readonly Stream _stream;
    private readonly Strand _strand;
    private readonly ILinkConsumer _consumer;
    private readonly int _frameBytesMax;
    private readonly ByteAccount _account;
    private readonly TimeSpan _roomPatience;
    private ManualResetValueTaskSourceCore<bool> _handled = new() { RunContinuationsAsynchronously = true };
    private byte[]? _buffer;
    private int _start;
    private int _end;
    private int _framesHandled;
    private string? _fault;
    private long _receivedBytes;
    private int _missingBytes;

    /// <summary>Makes the reader of a link.</summary>
    public FrameReader(
        TlsLink link,
        Stream stream,
        Strand strand,
        ILinkConsumer consumer,
        ByteAccount account,
        TransportOptions options)
    {
        _link = link;
        _stream = stream;
        _strand = strand;
        _consumer = consumer;
        _account = account;
        _frameBytesMax = options.FrameBytesMax;
        _roomPatience = options.StallTimeout;
    }

    /// <summary>Whether the other end announced a frame out of bounds.</summary>
    public bool HasFault => _fault is not null;

    /// <summary>Bytes that the frame which has begun to arrive lacks, and all that came so far.</summary>
    public (long Missing, long Received) Progress =>
        (Volatile.Read(ref _missingBytes), Volatile.Read(ref _receivedBytes));

    private int Waiting => _end - _start;

    /// <summary>Reads until the link ends; the result says why it did.</summary>
    public async Task<string> RunAsync()
    {
        try
        {
            while (true)
            {
                if (Waiting == 0)
                {
                    ReleaseBuffer();
                    await _stream.ReadAsync(Memory<byte>.Empty).ConfigureAwait(false);
                }

                if (!await TryMakeRoomAsync().ConfigureAwait(false))
                {
                    return "this node has no room for more of what it sends";
                }

                int read = await _stream.ReadAsync(_buffer.AsMemory(_end)).ConfigureAwait(false);
                if (read == 0)
                {
                    return Waiting == 0
                        ? "the other end closed it"
                        : "the other end closed it inside a frame";
                }

                _end += read;
                _framesHandled = 0;
                Volatile.Write(ref _receivedBytes, _receivedBytes + read);
                Volatile.Write(ref _missingBytes, 0); // until it reads on, it is this node that is waited for
                if (HasWholeFrame())
                {
                    await HandleFramesAsync().ConfigureAwait(false);
                }

                await ThrottleAsync(read).ConfigureAwait(false);

                if (_fault is { } fault)
                {
                    return fault;
                }

                Volatile.Write(ref _missingBytes, Missing());
            }
        }
        catch (Exception problem) when (TlsLink.IsBroken(problem))
        {
            return "receiving failed: " + problem.Message;
        }
        finally
        {
            _start = _end;
            ReleaseBuffer();
        }
    }

    /// <inheritdoc/>
    void IValueTaskSource.GetResult(short token) => _handled.GetResult(token);

    /// <inheritdoc/>
    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _handled.GetStatus(token);

    /// <inheritdoc/>
    void IValueTaskSource.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _handled.OnCompleted(continuation, state, token, flags);

    /// <summary>Completed already when the strand was free: then nothing changes threads.</summary>
    private ValueTask HandleFramesAsync()
    {
        _handled.Reset();
        PostFrames();
        return new ValueTask(this, _handled.Version);
    }

    /// <summary>
    /// Reads nothing while the sender is over its share, or until the link ends or leads to a member.
    /// </summary>
    private async ValueTask ThrottleAsync(int bytes)
    {
        TimeSpan wait = _link.Throttle(_framesHandled, bytes);
        while (wait > TimeSpan.Zero && !_link.HasEnded && _link.IsThrottled)
        {
            TimeSpan pause = wait < PauseMax ? wait : PauseMax;
            await Task.Delay(pause).ConfigureAwait(false);
            wait -= pause;
        }
    }

    private void PostFrames() =>
        _strand.Post(_link.Work, static state => ((FrameReader)state).HandleFrames(), this);

    private void HandleFrames()
    {
        bool isDone = true;
        try
        {
            _link.NoteHeard();
            for (int handled = 0; HasWholeFrame() && _fault is null; handled++)
            {
                if (handled == FramesPerTurn)
                {
                    handled = 0;
                    if (_strand.QueueLength > 0)
                    {
                        isDone = false;
                        PostFrames();
                        return;
                    }
                }

                int length = NextLength();
                var body = new ReadOnlyMemory<byte>(_buffer, _start + FrameWriter.LengthBytes, length);
                _start += FrameWriter.LengthBytes + length;
                _framesHandled++;
                if (_link.IsOpen)
                {
                    _consumer.FrameArrived(_link, body);
                }
            }
        }
        finally
        {
            if (isDone)
            {
                _handled.SetResult(true);
            }
        }
    }

    /// <summary>Whether a frame can be handled; notes a fault when its length is out of bounds.</summary>
    private bool HasWholeFrame()
    {
        if (Waiting < FrameWriter.LengthBytes)
        {
            return false;
        }

        int length = NextLength();
        if (length < 0 || length > _frameBytesMax)
        {
            _fault = $"a frame of {(uint)length} bytes was announced, more than the {_frameBytesMax} allowed";
            return false;
        }

        return Waiting >= FrameWriter.LengthBytes + length;
    }

    private int NextLength() => BinaryPrimitives.ReadInt32BigEndian(_buffer.AsSpan(_start));

    /// <summary>What the frame that has begun still lacks; of a length, one byte at least.</summary>
    private int Missing() => Waiting switch
    {
        0 => 0,
        < FrameWriter.LengthBytes => FrameWriter.LengthBytes - Waiting,
        _ => FrameWriter.LengthBytes + NextLength() - Waiting,
    };

    /// <summary>
    /// Sees to it that there is room behind the bytes that wait: at least a quarter of the buffer, which
    /// doubles, up to the end of the frame that is being received, when its bytes do not leave that. False
    /// when the peer's share has had no room for too long.
    /// </summary>
    private async ValueTask<bool> TryMakeRoomAsync()
    {
        if (_buffer is null)
        {
            _account.Take(BufferBytesMin); // within what every account may hold
            _buffer = LargeBuffers.Rent(BufferBytesMin);
            _start = _end = 0;
            return true;
        }

        if (_start > 0)
        {
            _buffer.AsSpan(_start, Waiting).CopyTo(_buffer);
            _end -= _start;
            _start = 0;
        }

        int whole = Waiting < FrameWriter.LengthBytes ? 0 : FrameWriter.LengthBytes + NextLength();
        if (_buffer.Length > BufferBytesMin * 4 && Math.Max(_end, whole) < BufferBytesMin / 2)
        {
            Shrink(_buffer);
        }

        if (_buffer.Length - _end >= _buffer.Length / 4)
        {
            return true;
        }

        return (whole <= _buffer.Length && _end < _buffer.Length)
            || await TryGrowAsync(_buffer).ConfigureAwait(false);
    }

    private async ValueTask<bool> TryGrowAsync(byte[] buffer)
    {
        long since = Stopwatch.GetTimestamp();
        for (bool isRetry = false; !_account.TryTakeIncoming(buffer.Length, isRetry); isRetry = true)
        {
            if (_link.HasEnded || Stopwatch.GetElapsedTime(since) > _roomPatience)
            {
                return false;
            }

            await Task.Delay(IFrameBytes.RoomPoll).ConfigureAwait(false);
        }

        byte[] larger = LargeBuffers.Rent(buffer.Length * 2);
        buffer.AsSpan(0, _end).CopyTo(larger);
        LargeBuffers.Return(buffer);
        _buffer = larger;
        return true;
    }

    /// <summary>A large frame has gone and a small one follows: no reason to hold on to so much.</summary>
    private void Shrink(byte[] buffer)
    {
        byte[] smaller = LargeBuffers.Rent(BufferBytesMin);
        buffer.AsSpan(0, _end).CopyTo(smaller);
        LargeBuffers.Return(buffer);
        _account.ReturnIncoming(buffer.Length - smaller.Length);
        _buffer = smaller;
    }

    private void ReleaseBuffer()
    {
        if (_buffer is { } buffer && Waiting == 0)
        {
            _buffer = null;
            LargeBuffers.Return(buffer);
            _account.ReturnIncoming(buffer.Length - BufferBytesMin);
            _account.Return(BufferBytesMin);
        }
    }
}
