using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics;
using System.Net.Sockets;
using Igor.Kbr.Local;

namespace Igor.LocalSocket;

/// <summary>
/// Frames of the local protocol over a connected socket; the same source serves both ends. Whoever sends
/// while nobody writes does the writing, everything sent meanwhile leaves in one piece, and reading never
/// waits for it.
/// </summary>
internal sealed class FrameSocket : IDisposable
{
    private const int BatchesPerWriter = 8; // then the thread that came to send one frame may go
    private const int ReadBytes = 32 * 1024;
    private const int WriteBytes = 256 * 1024; // in one call, so that progress shows
    private const int ReserveBytes = 1024 * 1024;

    private readonly Lock _gate = new();
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Socket _socket;
    private readonly int _bodyBytesMax;
    private readonly int _outgoingBytesMax;
    private FrameBuffer _filling = new();
    private FrameBuffer _leaving = new();
    private long _progressed;
    private bool _isWriting;
    private bool _isCorked;
    private bool _isClosing;
    private bool _isClosed;

    /// <summary>Takes over a connected socket.</summary>
    /// <param name="socket">The socket; closed by <see cref="Dispose"/>.</param>
    /// <param name="bodyBytesMax">A frame with a larger body ends the reading.</param>
    /// <param name="outgoingBytesMax">Bytes that may wait to be written.</param>
    public FrameSocket(Socket socket, int bodyBytesMax, int outgoingBytesMax)
    {
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

    /// <summary>How long the other end has read nothing although something waits for it.</summary>
    public TimeSpan Stalled
    {
        get
        {
            lock (_gate)
            {
                return _isWriting ? Stopwatch.GetElapsedTime(_progressed) : TimeSpan.Zero;
            }
        }
    }

    /// <summary>Queues a frame with a payload; false when the buffer is full or the socket closed.</summary>
    public bool TrySendPayload(LocalFrame frame) => TryQueue(frame, _outgoingBytesMax);

    /// <summary>Queues a small frame, for which there is room when there is none for payloads.</summary>
    public bool TrySend(LocalFrame frame) => TryQueue(frame, _outgoingBytesMax + ReserveBytes);

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
        byte[] buffer = ArrayPool<byte>.Shared.Rent(ReadBytes);
        int length = 0;
        try
        {
            while (true)
            {
                int received = await _socket.ReceiveAsync(buffer.AsMemory(length), SocketFlags.None)
                    .ConfigureAwait(false);
                if (received == 0)
                {
                    return length == 0 ? null : "the connection ended in the middle of a frame";
                }

                length += received;
                int consumed = HandleFrames(buffer.AsMemory(0, length), handle, out int needed);
                if (consumed < 0)
                {
                    return null;
                }

                if (pause?.Invoke() is { } wait && wait > TimeSpan.Zero)
                {
                    await Task.WhenAny(Closed, Task.Delay(wait)).ConfigureAwait(false);
                }

                length -= consumed;
                buffer = KeepRest(buffer, consumed, length, needed);
                if (needed > LocalProtocol.LengthBytes + _bodyBytesMax)
                {
                    return $"a frame of {needed - LocalProtocol.LengthBytes} bytes is larger than the "
                        + $"{_bodyBytesMax} that one may have";
                }
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            return null; // a broken connection is an end like any other
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
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

    private byte[] KeepRest(byte[] buffer, int consumed, int length, int needed)
    {
        // The length is checked before memory is taken for it.
        bool isAllowed = needed <= LocalProtocol.LengthBytes + _bodyBytesMax;
        int wanted = Math.Max(isAllowed ? needed : length, ReadBytes);
        bool fits = buffer.Length >= wanted && (buffer.Length <= ReadBytes * 4 || wanted > ReadBytes);
        byte[] target = fits ? buffer : ArrayPool<byte>.Shared.Rent(wanted);
        if (consumed > 0 || !fits)
        {
            buffer.AsSpan(consumed, length).CopyTo(target);
        }

        if (!fits)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        return target;
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

    private bool TryQueue(LocalFrame frame, int bound)
    {
        lock (_gate)
        {
            // A frame on its own may always leave, however large frames may be.
            bool isOpen = !_isClosed && !_isClosing;
            if (!isOpen || !_filling.TryAppend(frame, _filling.Length == 0 ? int.MaxValue : bound))
            {
                return false;
            }

            if (_isWriting || _isCorked)
            {
                return true;
            }

            BeginWriting();
        }

        _ = WriteAsync();
        return true;
    }

    private void BeginWriting()
    {
        _isWriting = true;
        _progressed = Stopwatch.GetTimestamp();
    }

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
                    Volatile.Write(ref _progressed, Stopwatch.GetTimestamp());
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
        }
    }

    private bool TakeBatch()
    {
        bool close;
        lock (_gate)
        {
            _leaving.Clear();
            (_filling, _leaving) = (_leaving, _filling);
            if (_leaving.Length > 0 && !_isClosed)
            {
                return true;
            }

            _isWriting = false;
            close = _isClosing;
        }

        if (close)
        {
            Dispose();
        }

        return false;
    }
}
