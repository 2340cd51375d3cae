using System.Net.Sockets;

namespace Igor.Node.Transport.Inbound;

/// <summary>
/// A connection of which the first bytes were read already: they come first again. The socket stays its
/// owner's, who may keep it when a handshake on it has been given up.
/// </summary>
internal sealed class ReplayedStream(Socket socket, ReadOnlyMemory<byte> first)
    : NetworkStream(socket, ownsSocket: false)
{
    private ReadOnlyMemory<byte> _first = first;

    /// <inheritdoc/>
    public override ValueTask<int> ReadAsync(
        Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_first.IsEmpty)
        {
            return base.ReadAsync(buffer, cancellationToken);
        }

        int taken = Math.Min(buffer.Length, _first.Length);
        _first[..taken].CopyTo(buffer);
        _first = taken == _first.Length ? default : _first[taken..]; // the array goes with the last of it
        return ValueTask.FromResult(taken);
    }
}
