using System.Buffers;
using System.Buffers.Binary;
using System.Threading.Tasks.Sources;

namespace Igor.Node;

/// <summary>
/// The receiving half of a link. It waits for bytes without holding a buffer, reads what is there, and has
/// all whole frames handled in one visit to the strand before it reads on; so a link never has more than one
/// piece of work in the strand's queue. A frame's length is checked before memory is taken for it, and the
/// buffer grows only as its bytes arrive, so a length that is a lie costs nothing.
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

    private readonly Link _link;
    private readonly Stream _stream;
    private readonly Strand _strand;
    private readonly ILinkConsumer _consumer;
    private readonly int _frameBytesMax;
    private ManualResetValueTaskSourceCore<bool> _handled = new() { RunContinuationsAsynchronously = true };
    private byte[]? _buffer;
    private int _start;
    private int _end;
    private int _framesHandled;
    private string? _fault;

    /// <summary>Makes the reader of a link.</summary>
    public FrameReader(Link link, Stream stream, Strand strand, ILinkConsumer consumer, int frameBytesMax)
    {
        _link = link;
        _stream = stream;
        _strand = strand;
        _consumer = consumer;
        _frameBytesMax = frameBytesMax;
    }

    /// <summary>Whether the other end announced a frame out of bounds.</summary>
    public bool HasFault => _fault is not null;

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

                MakeRoom();
                int read = await _stream.ReadAsync(_buffer.AsMemory(_end)).ConfigureAwait(false);
                if (read == 0)
                {
                    return Waiting == 0
                        ? "the other end closed it"
                        : "the other end closed it inside a frame";
                }

                _end += read;
                _framesHandled = 0;
                if (HasWholeFrame())
                {
                    await HandleFramesAsync().ConfigureAwait(false);
                }

                await ThrottleAsync(read).ConfigureAwait(false);

                if (_fault is { } fault)
                {
                    return fault;
                }
            }
        }
        catch (Exception problem) when (Link.IsBroken(problem))
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

    /// <summary>Reads nothing while the sender is over its share, or until the link ends.</summary>
    private async ValueTask ThrottleAsync(int bytes)
    {
        TimeSpan wait = _link.Throttle(_framesHandled, bytes);
        while (wait > TimeSpan.Zero && !_link.HasEnded)
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

    /// <summary>
    /// Sees to it that there is room behind the bytes that wait: at least a quarter of the buffer, which
    /// doubles, up to the end of the frame that is being received, when its bytes do not leave that.
    /// </summary>
    private void MakeRoom()
    {
        if (_buffer is null)
        {
            _buffer = ArrayPool<byte>.Shared.Rent(BufferBytesMin);
            _start = _end = 0;
            return;
        }

        if (_start > 0)
        {
            _buffer.AsSpan(_start, Waiting).CopyTo(_buffer);
            _end -= _start;
            _start = 0;
        }

        if (_buffer.Length - _end >= _buffer.Length / 4)
        {
            return;
        }

        int whole = Waiting < FrameWriter.LengthBytes ? 0 : FrameWriter.LengthBytes + NextLength();
        if (whole > _buffer.Length || _end == _buffer.Length)
        {
            byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(_buffer.Length * 2, BufferBytesMin));
            _buffer.AsSpan(0, _end).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = larger;
        }
    }

    private void ReleaseBuffer()
    {
        if (_buffer is { } buffer && Waiting == 0)
        {
            _buffer = null;
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
