// Where keys lie, in 16 bytes each: 8 bytes of the key, its segment, its offset. While all keys of the store
// fit, what is not here is not in the store, and no lookup needs the index. Two keys can share their 8 bytes,
// so a hit is only a hint: whoever follows it compares the whole key.
using System.Buffers.Binary;
using Igor.Dht.Storage.Segments;
using Igor.Kbr;

namespace Igor.Dht.Storage.Index;

/// <summary>A compact, bounded map from keys to places. Callers take turns.</summary>
internal sealed class KeyDirectory
{
    private const int SlotBytes = 16;
    private const int SlotsAtFirst = 1024;
    private const double FullShare = 0.8;

    private readonly int _slotsMax;
    private Slot[] _slots = new Slot[SlotsAtFirst];
    private int _used;

    /// <summary>Makes an empty directory that takes at most so many bytes.</summary>
    public KeyDirectory(int bytesMax)
    {
        _slotsMax = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)bytesMax / SlotBytes + 1) / 2;
    }

    /// <summary>Whether what is not here is not in the store.</summary>
    public bool IsComplete { get; set; } = true;

    /// <summary>Bytes of memory taken.</summary>
    public long Bytes => (long)_slots.Length * SlotBytes;

    /// <summary>Looks up where a key probably lies.</summary>
    public bool TryFind(Key key, out int segment, out long offset)
    {
        Slot slot = _slots[IndexOf(PrintOf(key))];
        segment = slot.Segment;
        offset = slot.Unit * (long)SegmentCodec.Alignment;
        return slot.Print != 0;
    }

    /// <summary>Whether there was no room for a key once.</summary>
    public bool HasOverflowed { get; private set; }

    /// <summary>Notes where a key lies; false when there is no room for one more.</summary>
    public bool Set(Key key, Place place)
    {
        ulong print = PrintOf(key);
        int index = IndexOf(print);
        if (_slots[index].Print == 0 && !MakeRoom(print, ref index))
        {
            HasOverflowed = true;
            IsComplete = false;
            return false;
        }

        _used += _slots[index].Print == 0 ? 1 : 0;
        _slots[index] = new Slot(print, place.Segment, (uint)(place.Offset / SegmentCodec.Alignment));
        return true;
    }

    /// <summary>Forgets a key.</summary>
    public void Remove(Key key)
    {
        int hole = IndexOf(PrintOf(key));
        if (_slots[hole].Print == 0)
        {
            return;
        }

        // Closes the gap, so that no search ends too early: entries that could not lie at their home slot
        // move up.
        int mask = _slots.Length - 1;
        for (int next = (hole + 1) & mask; _slots[next].Print != 0; next = (next + 1) & mask)
        {
            int home = HomeOf(_slots[next].Print);
            if (((next - home) & mask) >= ((next - hole) & mask))
            {
                _slots[hole] = _slots[next];
                hole = next;
            }
        }

        _slots[hole] = default;
        _used--;
    }

    private static ulong PrintOf(Key key)
    {
        Span<byte> bytes = stackalloc byte[Key.SizeInBytes];
        key.Write(bytes);
        ulong print = BinaryPrimitives.ReadUInt64BigEndian(bytes[24..]);
        return print == 0 ? 1 : print;
    }

    private bool MakeRoom(ulong print, ref int index)
    {
        if (_used < _slots.Length * FullShare)
        {
            return true;
        }

        if (_slots.Length >= _slotsMax)
        {
            return false;
        }

        Slot[] old = _slots;
        _slots = new Slot[old.Length * 2];
        foreach (Slot slot in old)
        {
            if (slot.Print != 0)
            {
                _slots[IndexOf(slot.Print)] = slot;
            }
        }

        index = IndexOf(print);
        return true;
    }

    private int HomeOf(ulong print) => (int)((print * 0x9E3779B97F4A7C15) >> 32) & (_slots.Length - 1);

    private int IndexOf(ulong print)
    {
        int index = HomeOf(print);
        while (_slots[index].Print != 0 && _slots[index].Print != print)
        {
            index = (index + 1) & (_slots.Length - 1);
        }

        return index;
    }

    private readonly record struct Slot(ulong Print, int Segment, uint Unit);
}
