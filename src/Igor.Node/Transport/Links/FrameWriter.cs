using System.Buffers;
using System.Buffers.Binary;
using Igor.Node.Memory;

namespace Igor.Node.Transport.Links;

/// <summary>
/// The sending half of a link: frames are gathered in pooled segments as they are made, and written by one
/// write at a time. Reading never waits for it: when the other end does not read, the segments fill up to a
/// bound, that of the link or the peer's share of what the node holds, and beyond it frames are refused.
/// </summary>
internal sealed class FrameWriter
{
    /// <summary>Bytes of a frame's length, big-endian, before its body.</summary>
    public const int LengthBytes = 4;

    /// <summary>What one TLS record can carry, so that a full segment is one record.</summary>
    private const int SegmentBytes = 16 * 1024;

    private readonly Lock _gate = new();
    private readonly Queue<Segment> _full = new();
    private readonly Stream _stream;
    private readonly int _bytesMax;
    private readonly ByteAccount _account;
    private readonly Action<string> _failed;
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Segment _tail;
    private int _waitingBytes;
    private int _leavingBytes;
    private long _writtenBytes;
    private bool _writing;
    private bool _ended;

    /// <summary>Makes a writer.</summary>
    /// <param name="stream">Where to write.</param>
    /// <param name="bytesMax">Most bytes that wait.</param>
    /// <param name="account">Whose bytes they are; the memory of segments is taken from it.</param>
    /// <param name="failed">Told why writing failed, at most once.</param>
    public FrameWriter(Stream stream, int bytesMax, ByteAccount account, Action<string> failed)
    {
        _stream = stream;
        _bytesMax = bytesMax;
        _account = account;
        _failed = failed;
    }

    /// <summary>
    /// Completes when writing has ended: all was written after <see cref="End"/>, or it failed.
    /// </summary>
    public Task Drained => _drained.Task;

    /// <summary>Bytes that wait for the other end to read, and all that it has taken so far.</summary>
    public (long Waiting, long Written) Progress
    {
        get
        {
            lock (_gate)
            {
                return (_waitingBytes + _leavingBytes, _writtenBytes);
            }
        }
    }

    /// <summary>Gathers a frame whose body is header followed by payload.</summary>
    /// <returns>False, and nothing is gathered, when too much waits or writing has ended.</returns>
    public bool TryAppend(ReadOnlySpan<byte> header, ReadOnlySpan<byte> payload)
    {
        int bodyBytes = header.Length + payload.Length;
        lock (_gate)
        {
            if (_ended || _waitingBytes + LengthBytes + bodyBytes > _bytesMax
                || !TryTakeSegments(LengthBytes + bodyBytes))
            {
                return false;
            }

            Span<byte> length = stackalloc byte[LengthBytes];
            BinaryPrimitives.WriteInt32BigEndian(length, bodyBytes);
            Put(length);
            Put(header);
            Put(payload);
            _waitingBytes += LengthBytes + bodyBytes;
            return true;
        }
    }

    /// <summary>Starts to write what waits, unless a write is under way, which then takes it along.</summary>
    public void Flush()
    {
        lock (_gate)
        {
            if (_writing || _waitingBytes == 0)
            {
                return;
            }

            _writing = true;
        }

        _ = WriteWaitingAsync();
    }

    /// <summary>No more frames: what waits is written, then <see cref="Drained"/> completes.</summary>
    public void End()
    {
        lock (_gate)
        {
            _ended = true;
            if (!_writing && _waitingBytes == 0)
            {
                _drained.TrySetResult();
            }
        }

        Flush();
    }

    /// <summary>Takes what the segments cost that so many bytes need beyond the tail.</summary>
    private bool TryTakeSegments(int bytes)
    {
        int room = _tail.Bytes is null ? 0 : SegmentBytes - _tail.Count;
        int segments = (Math.Max(bytes - room, 0) + SegmentBytes - 1) / SegmentBytes;
        return segments == 0 || _account.TryTake(segments * SegmentBytes);
    }

    private void Put(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            if (_tail.Count == SegmentBytes)
            {
                _full.Enqueue(_tail);
                _tail = default;
            }

            byte[] target = _tail.Bytes ?? ArrayPool<byte>.Shared.Rent(SegmentBytes);
            int taken = Math.Min(bytes.Length, SegmentBytes - _tail.Count);
            bytes[..taken].CopyTo(target.AsSpan(_tail.Count));
            _tail = new Segment(target, _tail.Count + taken);
            bytes = bytes[taken..];
        }
    }

    private async Task WriteWaitingAsync()
    {
        try
        {
            while (TryTake(out Segment segment))
            {
                try
                {
                    await _stream.WriteAsync(segment.Bytes.AsMemory(0, segment.Count)).ConfigureAwait(false);
                }
                finally
                {
                    Release(segment);
                }
            }
        }
        catch (Exception problem) when (TlsLink.IsBroken(problem))
        {
            Abandon();
            _failed("sending failed: " + problem.Message);
        }
    }

    private bool TryTake(out Segment segment)
    {
        lock (_gate)
        {
            if (!_full.TryDequeue(out segment))
            {
                segment = _tail;
                _tail = default;
            }

            _waitingBytes -= segment.Count;
            _writtenBytes += _leavingBytes;
            _leavingBytes = segment.Count;
            if (segment.Count > 0)
            {
                return true;
            }

            _writing = false;
            if (_ended)
            {
                _drained.TrySetResult();
            }

            return false;
        }
    }

    /// <summary>
    /// Gives back what will never be written. A later flush finds nothing, so no second write starts.
    /// </summary>
    private void Abandon()
    {
        lock (_gate)
        {
            _ended = true;
            while (_full.TryDequeue(out Segment segment))
            {
                Release(segment);
            }

            if (_tail.Bytes is not null)
            {
                Release(_tail);
            }

            _tail = default;
            _waitingBytes = 0;
            _leavingBytes = 0;
            _writing = false;
            _drained.TrySetResult();
        }
    }

    private void Release(Segment segment)
    {
        ArrayPool<byte>.Shared.Return(segment.Bytes!);
        _account.Return(SegmentBytes);
    }

    private readonly record struct Segment(byte[]? Bytes, int Count);
}
