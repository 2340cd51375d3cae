using System.IO.Hashing;
using Igor.Dht.Storage.Segments;
using Igor.Kbr;

// Where keys lie, in 16 bytes each: a hash of the key, its segment, its offset. While all keys of the store
// fit, what is not here is not in the store, and no lookup needs the index. Two keys can share their hash, so
// a hit is only a hint: whoever follows it compares the whole key. Writers choose their keys, so the hash has
// a secret seed, and keys that share one all the same are noticed by the place that is overwritten.

namespace Igor.Dht.Storage.Index;

/// <summary>A compact, bounded map from keys to places. Callers take turns.</summary>
internal sealed class KeyDirectory
{
    private const int SlotBytes = 16;
    private const int SlotsAtFirst = 1024;
    private const double FullShare = 0.8;

    private readonly int _slotsMax;
    private readonly long _seed;
    private Slot[] _slots = new Slot[SlotsAtFirst];
    private int _used;

    /// <summary>Makes an empty directory.</summary>
    /// <param name="bytesMax">Memory that it takes at most.</param>
    /// <param name="seed">Random: who knows it can choose keys that fall together.</param>
    public KeyDirectory(int bytesMax, long seed)
    {
        _seed = seed;
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

    /// <summary>Whether a key was left out once, for want of room or for another with its hash.</summary>
    public bool HasLeftOut { get; private set; }

    /// <summary>Notes where a key lies; false when there is no room for one more.</summary>
    /// <param name="key">The key.</param>
    /// <param name="place">Where it lies now.</param>
    /// <param name="previous">Where it lay before; null when it was not stored.</param>
    public bool Set(Key key, Place place, Place? previous)
    {
        ulong print = PrintOf(key);
        int index = IndexOf(print);
        bool isNew = _slots[index].Print == 0;
        if (isNew && !MakeRoom(print, ref index))
        {
            LeaveOut();
            return false;
        }

        if (!isNew && !_slots[index].Names(previous))
        {
            // The slot is another key's, which is left out from now on.
            LeaveOut();
        }

        _used += isNew ? 1 : 0;
        _slots[index] = Slot.Of(print, place);
        return true;
    }

    /// <summary>Forgets a key that lay at a place; the slot of another key with its hash stays.</summary>
    public void Remove(Key key, Place? previous)
    {
        int hole = IndexOf(PrintOf(key));
        if (_slots[hole].Print == 0 || !_slots[hole].Names(previous))
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

    private ulong PrintOf(Key key)
    {
        Span<byte> bytes = stackalloc byte[Key.SizeInBytes];
        key.Write(bytes);
        ulong print = XxHash3.HashToUInt64(bytes, _seed);
        return print == 0 ? 1 : print;
    }

    private void LeaveOut()
    {
        HasLeftOut = true;
        IsComplete = false;
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

    private int HomeOf(ulong print) => (int)(print & (ulong)(_slots.Length - 1));

    private int IndexOf(ulong print)
    {
        int index = HomeOf(print);
        while (_slots[index].Print != 0 && _slots[index].Print != print)
        {
            index = (index + 1) & (_slots.Length - 1);
        }

        return index;
    }

    private readonly record struct Slot(ulong Print, int Segment, uint Unit)
    {
        public static Slot Of(ulong print, Place place) =>
            new(print, place.Segment, (uint)(place.Offset / SegmentCodec.Alignment));

        public bool Names(Place? place) => place is Place named && this == Of(Print, named);
    }
}
