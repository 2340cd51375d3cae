using Igor.Dht.Protocol.Index;

namespace Igor.Dht.Storage.Hints;

/// <summary>What an entry of a hint stands for: the upper bits of a slot's flags.</summary>
internal enum HintKind : byte
{
    /// <summary>A record.</summary>
    Record = 0,

    /// <summary>A removal; the value length is the last segment in which it hides something.</summary>
    Removal = 0x10,

    /// <summary>A note; the clock of the version is its sequence.</summary>
    Note = 0x20,

    /// <summary>A record that was there and is damaged.</summary>
    Damaged = 0x30,
}

/// <summary>Tells kinds of hints from slots.</summary>
internal static class HintKinds
{
    private const byte Mask = 0xf0;

    /// <summary>What a slot stands for.</summary>
    public static HintKind KindOf(in RecordSlot slot) => (HintKind)(slot.Flags & Mask);

    /// <summary>Says what a slot stands for.</summary>
    public static void Mark(ref RecordSlot slot, HintKind kind) =>
        slot.Flags = (byte)((slot.Flags & ~Mask) | (byte)kind);
}
