using System.Diagnostics;
using Igor.Kbr;

namespace Igor.Local.Sockets;

/// <summary>
/// Bytes of frames on their way in. The buffer grows as bytes come, not by what is announced, and shrinks
/// when a large frame has gone; what it takes beyond an ordinary one comes out of a share, where there is
/// one.
/// </summary>
internal sealed class ReceiveBuffer(int frameBytesMax, IFrameBytes? share, TimeSpan patience) : IDisposable
{
    private const int OrdinaryBytes = 32 * 1024;
    private const int KeptBytes = 4 * OrdinaryBytes;

    private byte[] _bytes = LargeBuffers.Rent(OrdinaryBytes);
    private int _taken;

    /// <summary>Number of bytes that wait to be handled.</summary>
    public int Length { get; private set; }

    /// <summary>The bytes that wait to be handled.</summary>
    public ReadOnlyMemory<byte> Waiting => _bytes.AsMemory(0, Length);

    /// <summary>Where to receive more; never empty.</summary>
    public Memory<byte> Free => _bytes.AsMemory(Length);

    /// <summary>Bytes were received into <see cref="Free"/>.</summary>
    public void Add(int count) => Length += count;

    /// <summary>Drops bytes that were handled and makes room for what follows.</summary>
    /// <param name="consumed">Bytes at the start that were handled.</param>
    /// <param name="needed">What the frame behind them takes, as far as is known.</param>
    /// <returns>False when the share had no room for too long.</returns>
    public async ValueTask<bool> TryGoOnAsync(int consumed, int needed)
    {
        Length -= consumed;
        int size = SizeFor(needed);
        int more = Math.Max(size - KeptBytes, 0) - _taken;
        long since = Stopwatch.GetTimestamp();
        for (bool isRetry = false;
            more > 0 && share?.TryTakeIncoming(more, isRetry) == false;
            isRetry = true)
        {
            if (Stopwatch.GetElapsedTime(since) > patience)
            {
                return false;
            }

            await Task.Delay(IFrameBytes.RoomPoll).ConfigureAwait(false);
        }

        _taken += more;
        Move(consumed, size);
        if (more < 0)
        {
            share?.ReturnIncoming(-more);
        }

        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        LargeBuffers.Return(_bytes);
        share?.ReturnIncoming(_taken);
        _taken = 0;
        _bytes = [];
    }

    private int SizeFor(int needed)
    {
        int wanted = Math.Max(Math.Min(Math.Min(needed, frameBytesMax), 2 * Length), OrdinaryBytes);
        bool fits = _bytes.Length >= wanted && _bytes.Length > Length
            && (_bytes.Length <= KeptBytes || wanted > OrdinaryBytes);
        return fits ? _bytes.Length : wanted;
    }

    private void Move(int consumed, int size)
    {
        byte[] target = size == _bytes.Length ? _bytes : LargeBuffers.Rent(size);
        if (consumed > 0 || target != _bytes)
        {
            _bytes.AsSpan(consumed, Length).CopyTo(target);
        }

        if (target != _bytes)
        {
            LargeBuffers.Return(_bytes);
            _bytes = target;
        }
    }
}
