using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Index;

/// <summary>
/// What is kept in memory of one record, in 84 bytes: its header, with type and owner as numbers, and where
/// its store has it. Arrays of it are as large as what is in them, and nothing for a garbage collector.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal struct RecordSlot
{
    private const byte TombstoneFlag = 1;
    private const int OffsetUnit = 8;

    /// <summary>The key.</summary>
    public Key Key;

    /// <summary>The version.</summary>
    public RecordVersion Version;

    /// <summary>When the record ends, in milliseconds since 1970; 0 for never.</summary>
    public long ExpiresAtUnixMs;

    /// <summary>The number of the owner; 0 for nobody.</summary>
    public int Owner;

    /// <summary>Length of the value.</summary>
    public int ValueLength;

    /// <summary>Length of the whole record as it was encoded.</summary>
    public int BodyLength;

    /// <summary>The segment in which it lies; a matter of the store's.</summary>
    public int Segment;

    /// <summary>The number of the type.</summary>
    public ushort Type;

    /// <summary>Number of nodes that are to hold the record.</summary>
    public byte Replicas;

    /// <summary>What else there is to say, in bits: 1 for a tombstone; the others are the store's.</summary>
    public byte Flags;

    /// <summary>The digest of the record's bytes.</summary>
    public uint Digest;

    private uint _offset;

    /// <summary>Where it begins in its segment: a multiple of 8, below 32 GiB.</summary>
    public long Offset
    {
        readonly get => (long)_offset * OffsetUnit;
        set => _offset = checked((uint)(value / OffsetUnit));
    }

    /// <summary>Whether the record says that its key was deleted.</summary>
    public bool IsTombstone
    {
        readonly get => (Flags & TombstoneFlag) != 0;
        set => Flags = (byte)(value ? Flags | TombstoneFlag : Flags & ~TombstoneFlag);
    }

    /// <summary>Whether the record has ended.</summary>
    public readonly bool IsExpiredAt(long nowUnixMs) => ExpiresAtUnixMs != 0 && ExpiresAtUnixMs <= nowUnixMs;

    /// <summary>The upper 64 bits of a key, which tell nearly all keys apart.</summary>
    public static ulong PrefixOf(in Key key) => Unsafe.As<Key, ulong>(ref Unsafe.AsRef(in key));
}
