using System.Diagnostics.CodeAnalysis;
using Igor.Dht.Protocol.Ring;
using Igor.Dht.Protocol.Views;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Registers;

/// <summary>
/// The registers that a voter holds, all in memory, with the bytes that they have in its log.
/// </summary>
/// <param name="bytesMax">Bytes of entries of the log that all may take.</param>
internal sealed class RegisterShelf(long bytesMax)
{
    private readonly SortedSet<Key> _keys = [];
    private readonly Dictionary<Key, (Register Register, ReadOnlyMemory<byte> Entry)> _registers = [];

    /// <summary>Number of registers, those included that were deleted.</summary>
    public int Count => _registers.Count;

    /// <summary>Bytes of their entries.</summary>
    public long Bytes { get; private set; }

    /// <summary>The entries of the log that say what is held.</summary>
    public IEnumerable<ReadOnlyMemory<byte>> Entries => _keys.Select(key => _registers[key].Entry);

    /// <summary>
    /// Whether a client's write has room, so that some is left for what other coordinators wrote.
    /// </summary>
    public bool HasRoomForClients => Bytes < bytesMax / 10 * 9;

    /// <summary>The register of a key; null for none.</summary>
    public Register? Find(Key key) =>
        _registers.TryGetValue(key, out (Register Register, ReadOnlyMemory<byte> Entry) held)
            ? held.Register
            : null;

    /// <summary>What the voter holds of a key.</summary>
    public HeldRegister HeldOf(Key key) =>
        Find(key) is { } register ? new HeldRegister(register.Version, IsDamaged: false) : default;

    /// <summary>The registers of a span, in order.</summary>
    public IEnumerable<(Key Key, Register Register)> Within(KeySpan span) =>
        _keys.GetViewBetween(span.First, span.Last).Select(key => (key, _registers[key].Register));

    /// <summary>Whether there is a register in a span.</summary>
    public bool HasAny(KeySpan span) => _keys.GetViewBetween(span.First, span.Last).Count > 0;

    /// <summary>Puts a register into the place of what is held; false when there is no room.</summary>
    /// <param name="key">Its key.</param>
    /// <param name="register">The register; null for none.</param>
    /// <param name="entry">The entry for the log.</param>
    public bool TrySet(Key key, Register? register, [NotNullWhen(true)] out ReadOnlyMemory<byte>? entry)
    {
        ReadOnlyMemory<byte> encoded = VoterLogCodec.Encode(key, register);
        int freed = _registers.TryGetValue(key, out (Register Register, ReadOnlyMemory<byte> Entry) held)
            ? held.Entry.Length
            : 0;
        entry = null;
        if (register is not null && encoded.Length > freed && Bytes + encoded.Length - freed > bytesMax)
        {
            return false;
        }

        entry = encoded;
        Bytes -= freed;
        if (register is null)
        {
            _registers.Remove(key);
            _keys.Remove(key);
        }
        else
        {
            _registers[key] = (register, encoded);
            _keys.Add(key);
            Bytes += encoded.Length;
        }

        return true;
    }
}
