using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace Igor.Kbr;

/// <summary>
/// A position on the ring of 2^256 keys: a node id or the key of an object. Big-endian on the wire, hex in
/// text. Ordering is that of the unsigned integer; ring arithmetic wraps around.
/// </summary>
public readonly struct Key : IEquatable<Key>, IComparable<Key>
{
    /// <summary>Size of a key on the wire, in bytes.</summary>
    public const int SizeInBytes = 32;

    private readonly ulong _w0; // most significant
    private readonly ulong _w1;
    private readonly ulong _w2;
    private readonly ulong _w3;

    /// <summary>Makes a key from four words, most significant first.</summary>
    public Key(ulong w0, ulong w1, ulong w2, ulong w3)
    {
        _w0 = w0;
        _w1 = w1;
        _w2 = w2;
        _w3 = w3;
    }

    private Key(UInt128 high, UInt128 low)
        : this((ulong)(high >> 64), (ulong)high, (ulong)(low >> 64), (ulong)low)
    {
    }

    private UInt128 High => new(_w0, _w1);

    private UInt128 Low => new(_w2, _w3);

    /// <summary>The key 0.</summary>
    public static Key Zero => default;

    /// <summary>The largest key, 2^256 - 1.</summary>
    public static Key Max => new(ulong.MaxValue, ulong.MaxValue, ulong.MaxValue, ulong.MaxValue);

    /// <summary>SHA-256 of the bytes.</summary>
    public static Key HashOf(ReadOnlySpan<byte> content)
    {
        Span<byte> hash = stackalloc byte[SizeInBytes];
        SHA256.HashData(content, hash);
        return Read(hash);
    }

    /// <summary>SHA-256 of the UTF-8 form of the text.</summary>
    public static Key HashOf(string text) => HashOf(StrictUtf8.GetBytes(text, nameof(text)));

    /// <summary>The key 2^exponent, for an exponent of 0 to 255.</summary>
    public static Key PowerOfTwo(int exponent)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(exponent);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(exponent, 255);
        return exponent < 128
            ? new Key(0, UInt128.One << exponent)
            : new Key(UInt128.One << (exponent - 128), 0);
    }

    /// <summary>Reads 32 big-endian bytes.</summary>
    /// <exception cref="ArgumentException">The span is shorter than 32 bytes.</exception>
    public static Key Read(ReadOnlySpan<byte> source)
    {
        if (source.Length < SizeInBytes)
        {
            throw new ArgumentException("A key takes 32 bytes.", nameof(source));
        }

        return new Key(
            BinaryPrimitives.ReadUInt64BigEndian(source),
            BinaryPrimitives.ReadUInt64BigEndian(source[8..]),
            BinaryPrimitives.ReadUInt64BigEndian(source[16..]),
            BinaryPrimitives.ReadUInt64BigEndian(source[24..]));
    }

    /// <summary>Writes 32 big-endian bytes.</summary>
    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64BigEndian(destination, _w0);
        BinaryPrimitives.WriteUInt64BigEndian(destination[8..], _w1);
        BinaryPrimitives.WriteUInt64BigEndian(destination[16..], _w2);
        BinaryPrimitives.WriteUInt64BigEndian(destination[24..], _w3);
    }

    /// <summary>The key as 32 big-endian bytes.</summary>
    public byte[] ToBytes()
    {
        var bytes = new byte[SizeInBytes];
        Write(bytes);
        return bytes;
    }

    /// <summary>Reads 64 hexadecimal digits.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out Key key)
    {
        key = default;
        Span<byte> bytes = stackalloc byte[SizeInBytes];
        if (text is null
            || text.Length != SizeInBytes * 2
            || Convert.FromHexString(text, bytes, out _, out int written) != OperationStatus.Done
            || written != SizeInBytes)
        {
            return false;
        }

        key = Read(bytes);
        return true;
    }

    /// <summary>Reads 64 hexadecimal digits.</summary>
    /// <exception cref="FormatException">The text is something else.</exception>
    public static Key Parse(string text) =>
        TryParse(text, out Key key)
            ? key
            : throw new FormatException("A key is written as 64 hexadecimal digits.");

    /// <summary>The sum, modulo 2^256.</summary>
    public static Key operator +(Key left, Key right)
    {
        UInt128 low = left.Low + right.Low;
        return new Key(left.High + right.High + (low < left.Low ? UInt128.One : 0), low);
    }

    /// <summary>The difference, modulo 2^256: the clockwise distance from right to left.</summary>
    public static Key operator -(Key left, Key right)
    {
        UInt128 borrow = left.Low < right.Low ? UInt128.One : 0;
        return new Key(left.High - right.High - borrow, left.Low - right.Low);
    }

    /// <summary>The bits that both keys have.</summary>
    public static Key operator &(Key left, Key right) =>
        new(left._w0 & right._w0, left._w1 & right._w1, left._w2 & right._w2, left._w3 & right._w3);

    /// <summary>Half of the key, rounded down.</summary>
    public Key Half() => ShiftRight(1);

    /// <summary>The key divided by 2^bits, rounded down, for 0 to 63 bits.</summary>
    public Key ShiftRight(int bits)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bits);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bits, 63);
        UInt128 carried = bits == 0 ? 0 : High << (128 - bits);
        return new Key(High >> bits, (Low >> bits) | carried);
    }

    /// <summary>Which part of the ring the key is, as a distance: 0 to below 1.</summary>
    internal double ToFraction() => Math.ScaleB((double)High, -128);

    /// <summary>The distance going clockwise (towards larger keys) from here to the other key.</summary>
    public Key ClockwiseTo(Key other) => other - this;

    /// <summary>The distance on the symmetric ring: the shorter way round.</summary>
    public Key DistanceTo(Key other)
    {
        Key clockwise = other - this;
        Key back = this - other;
        return clockwise.CompareTo(back) <= 0 ? clockwise : back;
    }

    /// <summary>
    /// Which of two nodes is nearer to this key: negative when a is, positive when b is, 0 only when they are
    /// the same. Where both are equally far, the one clockwise of the key is nearer, so that every key has
    /// one root.
    /// </summary>
    public int CompareNearness(Key a, Key b)
    {
        int order = DistanceTo(a).CompareTo(DistanceTo(b));
        return order != 0 ? order : ClockwiseTo(a).CompareTo(ClockwiseTo(b));
    }

    /// <summary>Position of the highest set bit, 0 to 255; -1 for the key 0.</summary>
    public int HighestBit() => High == 0
        ? 127 - (int)UInt128.LeadingZeroCount(Low)
        : 255 - (int)UInt128.LeadingZeroCount(High);

    /// <inheritdoc/>
    public int CompareTo(Key other)
    {
        if (_w0 != other._w0)
        {
            return _w0 < other._w0 ? -1 : 1;
        }

        return _w1 != other._w1 ? _w1.CompareTo(other._w1) : Low.CompareTo(other.Low);
    }

    /// <inheritdoc/>
    public bool Equals(Key other) =>
        _w0 == other._w0 && _w1 == other._w1 && _w2 == other._w2 && _w3 == other._w3;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Key other && Equals(other);

    /// <summary>A hash that is the same in every process: keys are uniform already.</summary>
    public override int GetHashCode() => (int)(_w0 ^ (_w3 >> 7));

    /// <summary>The key as 64 hexadecimal digits.</summary>
    public override string ToString() => Convert.ToHexStringLower(ToBytes());

    /// <summary>The first 8 hexadecimal digits, for logs and tables.</summary>
    public string ToShortString() => ToString()[..8];

    /// <summary>Equality of position.</summary>
    public static bool operator ==(Key left, Key right) => left.Equals(right);

    /// <summary>Difference of position.</summary>
    public static bool operator !=(Key left, Key right) => !left.Equals(right);

    /// <summary>Integer order.</summary>
    public static bool operator <(Key left, Key right) => left.CompareTo(right) < 0;

    /// <summary>Integer order.</summary>
    public static bool operator >(Key left, Key right) => left.CompareTo(right) > 0;

    /// <summary>Integer order.</summary>
    public static bool operator <=(Key left, Key right) => left.CompareTo(right) <= 0;

    /// <summary>Integer order.</summary>
    public static bool operator >=(Key left, Key right) => left.CompareTo(right) >= 0;
}
