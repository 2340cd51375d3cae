using System.Buffers.Binary;
using System.Net.Sockets;
using Igor.Local.Protocol;

namespace Igor.Local.Sockets;

/// <summary>
/// Frames of the local protocol over a connected socket; the same source serves both ends. Whoever sends
/// while nobody writes does the writing, everything sent meanwhile leaves in one piece, and reading never
/// waits for it.
/// </summary>
internal sealed class FrameSocket : IDisposable
{
    private const int BatchesPerWriter = 8; // then the thread that came to send one frame may go
    private const int WriteBytes = 256 * 1024; // in one call, so that progress shows
    private const int ReserveBytes = 1024 * 1024;
    private const int OverheadBytes = 256; // of a frame with a payload, buffers that grow by half included

    private readonly Lock _gate = new();
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Socket _socket;
    private readonly int _bodyBytesMax;
    private readonly int _outgoingBytesMax;
    private readonly IFrameBytes? _bytes;
    private readonly TimeSpan _roomPatience;
    private FrameBuffer _filling = new();
    private FrameBuffer _leaving = new();
    private int _fillingTaken;
    private int _leavingTaken;
    private long _leavingBytes;
    private long _writtenBytes;
    private bool _isWriting;
    private bool _isCorked;
    private bool _isClosing;
    private bool _isClosed;

    /// <summary>Takes over a connected socket.</summary>
    /// <param name="socket">The socket; closed by <see cref="Dispose"/>.</param>
    /// <param name="bodyBytesMax">A frame with a larger body ends the reading.</param>
    /// <param name="outgoingBytesMax">Bytes that may wait to be written.</param>
    /// <param name="bytes">
    /// What the payloads that wait, and large frames that are being received, come out of; null when nobody
    /// counts them.
    /// </param>
    /// <param name="roomPatience">How long a large frame that is being received may wait for room.</param>
    public FrameSocket(
        Socket socket,
        int bodyBytesMax,
        int outgoingBytesMax,
        IFrameBytes? bytes = null,
        TimeSpan roomPatience = default)
    {
        _roomPatience = roomPatience;
        _bytes = bytes;
        _socket = socket;
        _bodyBytesMax = bodyBytesMax;
        _outgoingBytesMax = outgoingBytesMax;
    }

    /// <summary>Completes when the socket is closed from this side.</summary>
    public Task Closed => _closed.Task;

    /// <summary>Whether frames can still be sent.</summary>
    public bool IsOpen
    {
        get
        {
            lock (_gate)
            {
                return !_isClosed && !_isClosing;
            }
        }
    }

    /// <summary>Bytes that wait for the other end to read, and all that it has taken so far.</summary>
    public (long Waiting, long Written) Progress
    {
        get
        {
            lock (_gate)
            {
                return (_filling.Length + Volatile.Read(ref _leavingBytes), Volatile.Read(ref _writtenBytes));
            }
        }
    }

    /// <summary>
    /// Queues a frame with a payload; false when the buffer is full, the share used up, or the socket closed.
    /// </summary>
    public bool TrySendPayload(LocalFrame frame)
    {
        int taken = _bytes is null ? 0 : PayloadBytes(frame) + OverheadBytes;
        if (taken > 0 && !_bytes!.TryTake(taken))
        {
            return false;
        }

        if (TryQueue(frame, _outgoingBytesMax, taken))
        {
            return true;
        }

        Return(taken);
        return false;
    }

    /// <summary>Queues a small frame, for which there is room when there is none for payloads.</summary>
    public bool TrySend(LocalFrame frame) => TryQueue(frame, _outgoingBytesMax + ReserveBytes, 0);

    /// <summary>
    /// Closes the socket once everything queued has been written; frames sent from now on are refused.
    /// </summary>
    public void CloseWhenSent()
    {
        lock (_gate)
        {
            _isClosing = true;
            if (_isWriting || _isCorked)
            {
                return;
            }

            BeginWriting();
        }

        _ = WriteAsync();
    }

    /// <summary>Closes the socket at once.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_isClosed)
            {
                return;
            }

            _isClosed = true;
            if (!_isWriting)
            {
                ReturnTaken();
            }
        }

        _socket.Dispose();
        _closed.SetResult();
    }

    /// <summary>
    /// Reads frames until the connection ends or the handler returns false. What is sent from inside the
    /// handler leaves when all frames that arrived together have been handled.
    /// </summary>
    /// <param name="handle">Gets the body of each frame, valid during the call only.</param>
    /// <param name="pause">Says how long to read nothing after frames were handled; null for never.</param>
    /// <returns>What was wrong with the stream; null when it ended in order.</returns>
    public async Task<string?> ReadAsync(
        Func<ReadOnlyMemory<byte>, bool> handle, Func<TimeSpan>? pause = null)
    {
        var received = new ReceiveBuffer(
            LocalProtocol.LengthBytes + _bodyBytesMax, _bytes, _roomPatience);
        try
        {
            while (true)
            {
                int count = await _socket.ReceiveAsync(received.Free, SocketFlags.None).ConfigureAwait(false);
                if (count == 0)
                {
                    return received.Length == 0 ? null : "the connection ended in the middle of a frame";
                }

                received.Add(count);
                int consumed = HandleFrames(received.Waiting, handle, out int needed);
                if (consumed < 0)
                {
                    return null;
                }

                if (pause?.Invoke() is { } wait && wait > TimeSpan.Zero)
                {
                    await Task.WhenAny(Closed, Task.Delay(wait)).ConfigureAwait(false);
                }

                if (needed > LocalProtocol.LengthBytes + _bodyBytesMax)
                {
                    return $"a frame of {needed - LocalProtocol.LengthBytes} bytes is larger than the "
                        + $"{_bodyBytesMax} that one may have";
                }

                if (!await received.TryGoOnAsync(consumed, needed).ConfigureAwait(false))
                {
                    return "there was no room for a frame of that size for too long";
                }
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            return null; // a broken connection is an end like any other
        }
        finally
        {
            received.Dispose();
        }
    }

    /// <summary>Handles the frames that are complete.</summary>
    /// <param name="bytes">What has arrived.</param>
    /// <param name="handle">Gets the bodies.</param>
    /// <param name="needed">Bytes that the frame behind them takes, as far as is known.</param>
    /// <returns>Bytes handled; -1 when the handler wants no more.</returns>
    private int HandleFrames(
        ReadOnlyMemory<byte> bytes, Func<ReadOnlyMemory<byte>, bool> handle, out int needed)
    {
        int consumed = 0;
        SetCork(true);
        try
        {
            while (true)
            {
                needed = LocalProtocol.LengthBytes;
                if (bytes.Length - consumed < needed)
                {
                    return consumed;
                }

                uint bodyLength = BinaryPrimitives.ReadUInt32BigEndian(bytes.Span[consumed..]);
                needed += (int)Math.Min(bodyLength, int.MaxValue - LocalProtocol.LengthBytes);
                if (bodyLength > _bodyBytesMax || bytes.Length - consumed < needed)
                {
                    return consumed;
                }

                if (!handle(bytes.Slice(consumed + LocalProtocol.LengthBytes, (int)bodyLength)))
                {
                    return -1;
                }

                consumed += needed;
            }
        }
        finally
        {
            SetCork(false);
        }
    }

    private static int PayloadBytes(LocalFrame frame) => frame switch
    {
        ResultFrame result => result.Payload.Length,
        DeliverFrame deliver => deliver.Payload.Length,
        ForwardFrame forward => forward.Payload.Length,
        _ => 0,
    };

    private void Return(int bytes)
    {
        if (bytes > 0)
        {
            _bytes?.Return(bytes);
        }
    }

    /// <summary>Gives back what was taken for frames that will not leave any more.</summary>
    private void ReturnTaken()
    {
        Return(_fillingTaken + _leavingTaken);
        _fillingTaken = _leavingTaken = 0;
    }

    private void SetCork(bool isCorked)
    {
        lock (_gate)
        {
            _isCorked = isCorked;
            if (isCorked || _isWriting || (_filling.Length == 0 && !_isClosing))
            {
                return;
            }

            BeginWriting();
        }

        _ = WriteAsync();
    }

    private bool TryQueue(LocalFrame frame, int bound, int taken)
    {
        lock (_gate)
        {
            // A frame on its own may always leave, however large frames may be.
            bool isOpen = !_isClosed && !_isClosing;
            if (!isOpen || !_filling.TryAppend(frame, _filling.Length == 0 ? int.MaxValue : bound))
            {
                return false;
            }

            _fillingTaken += taken;
            if (_isWriting || _isCorked)
            {
                return true;
            }

            BeginWriting();
        }

        _ = WriteAsync();
        return true;
    }

    private void BeginWriting() => _isWriting = true;

    private async Task WriteAsync()
    {
        try
        {
            for (int batch = 1; TakeBatch(); batch++)
            {
                ReadOnlyMemory<byte> rest = _leaving.Written;
                while (!rest.IsEmpty)
                {
                    int sent = await _socket.SendAsync(
                        rest[..Math.Min(rest.Length, WriteBytes)], SocketFlags.None)
                        .ConfigureAwait(false);
                    rest = rest[sent..];
                    Volatile.Write(ref _leavingBytes, rest.Length);
                    Volatile.Write(ref _writtenBytes, _writtenBytes + sent);
                }

                if (batch % BatchesPerWriter == 0)
                {
                    await Task.Yield();
                }
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            Dispose(); // the reader sees the end and tells its owner
            lock (_gate)
            {
                _isWriting = false;
                Volatile.Write(ref _leavingBytes, 0);
                ReturnTaken();
            }
        }
    }

    private bool TakeBatch()
    {
        bool close;
        lock (_gate)
        {
            _leaving.Clear();
            (_filling, _leaving) = (_leaving, _filling);
            Return(_leavingTaken);
            (_fillingTaken, _leavingTaken) = (0, _fillingTaken);
            Volatile.Write(ref _leavingBytes, _leaving.Length);
            if (_leaving.Length > 0 && !_isClosed)
            {
                return true;
            }

            _isWriting = false;
            ReturnTaken();
            close = _isClosing;
        }

        if (close)
        {
            Dispose();
        }

        return false;
    }
}
