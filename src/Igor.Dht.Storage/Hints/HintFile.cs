using System.Buffers.Binary;
using System.Globalization;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Text;
using Igor.Dht.Protocol.Index;
using Igor.Dht.Storage.Segments;
using Igor.Kbr;
using Microsoft.Win32.SafeHandles;

// A hint is a file for each segment that is not written to any more; a store that is closed leaves one for
// the last segment too, which then tells of its beginning. Its bytes, integers little-endian:
//
//    0 "IGORHNT2"   8 segment (4)   12 entries (4)   16 salt of the segment (8)   24 length covered (8)
//   32 types (4)   36 owners (4)   40 bytes of their names (4)
//   44 whether nothing may be appended (4)
//   48 names: of types, each length (1) and UTF-8; of owners, 32 bytes each
//      a checksum of all before (8)
//   then blocks of 256 entries, the last one shorter, each followed by a checksum (8)
//
// An entry is a RecordSlot as it lies in memory. Checksums are XxHash3; a block's begins with its number, so
// that none takes the place of another. A hint is on disk, whole, before it bears its name.

namespace Igor.Dht.Storage.Hints;

/// <summary>Reads the hint of one segment; entries are checked as they come.</summary>
internal sealed class HintFile : IHintSource, IDisposable
{
    private const string Extension = ".hint";
    private const int HeadBytes = 48;
    private const int ChecksumBytes = 8;
    private const int BlockSlots = 256;
    private const int NamesBytesMax = 256 * 1024 * 1024;
    private static readonly int s_slotBytes = Marshal.SizeOf<RecordSlot>();

    private readonly SafeFileHandle _file;
    private readonly long _blocksAt;

    private HintFile(SafeFileHandle file, int segment, int count, long blocksAt)
    {
        _file = file;
        Segment = segment;
        Count = count;
        _blocksAt = blocksAt;
    }

    /// <inheritdoc/>
    public int Segment { get; }

    /// <inheritdoc/>
    public int Count { get; }

    /// <summary>What tells the segment's file from another of the same number.</summary>
    public ulong Salt { get; private set; }

    /// <summary>Up to where the segment was read.</summary>
    public long Covered { get; private set; }

    /// <summary>Whether nothing may be appended to the segment: it is sealed, or damaged.</summary>
    public bool IsClosed { get; private set; }

    /// <inheritdoc/>
    public List<string> Types { get; } = [];

    /// <inheritdoc/>
    public List<Key> Owners { get; } = [];

    private int Blocks => (Count + BlockSlots - 1) / BlockSlots;

    private static ReadOnlySpan<byte> Magic => "IGORHNT2"u8;

    /// <summary>The file of a segment's hint.</summary>
    public static string PathOf(string folder, int segment) =>
        Path.Combine(folder, segment.ToString("d8", CultureInfo.InvariantCulture) + Extension);

    /// <summary>The segments that have a hint in a folder.</summary>
    public static List<int> SegmentsIn(string folder) => Directory.Exists(folder)
        ? [.. Directory.EnumerateFiles(folder, "*" + Extension)
            .Select(path => int.TryParse(
                Path.GetFileNameWithoutExtension(path),
                NumberStyles.None,
                CultureInfo.InvariantCulture,
                out int id) ? id : 0)
            .Where(id => id > 0)
            .Order()]
        : [];

    /// <summary>Opens the hint of a segment; null when there is none whose beginning is intact.</summary>
    public static HintFile? TryOpen(string folder, int segment)
    {
        SafeFileHandle? file = null;
        HintFile? hint = null;
        try
        {
            string path = PathOf(folder, segment);
            file = File.Exists(path)
                ? OwnFiles.Open(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete)
                : null;
            hint = file is null ? null : Begin(file, segment);
        }
        catch (Exception e) when (DiskFault.IsOfDisk(e))
        {
            // As good as none: the segment has all that it says.
        }

        if (hint is null)
        {
            file?.Dispose();
        }

        return hint;
    }

    /// <summary>Writes a hint; when this returns it is on disk.</summary>
    /// <exception cref="IOException">The disk is full, read-only or failed.</exception>
    public static void Write(string folder, HintEntries entries)
    {
        OwnFiles.MakeFolder(folder);
        string path = PathOf(folder, entries.Segment);
        string next = path + ".new";
        using (FileStream file = OwnFiles.OpenStream(next, FileMode.Create, FileAccess.Write, FileShare.None))
        {
            byte[] names = NamesOf(entries);
            var head = new byte[HeadBytes + names.Length + ChecksumBytes];
            Magic.CopyTo(head);
            BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(8), entries.Segment);
            BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(12), entries.Count);
            BinaryPrimitives.WriteUInt64LittleEndian(head.AsSpan(16), entries.Salt);
            BinaryPrimitives.WriteInt64LittleEndian(head.AsSpan(24), entries.Covered);
            BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(32), entries.Types.Count);
            BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(36), entries.Owners.Count);
            BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(40), names.Length);
            BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(44), entries.IsClosed ? 1 : 0);
            names.CopyTo(head.AsSpan(HeadBytes));
            Seal(head, seed: -1);
            file.Write(head);
            WriteBlocks(file, entries.Slots);
            DiskSync.File(file.SafeFileHandle);
        }

        File.Move(next, path, overwrite: true);
        DiskSync.Folder(folder);
    }

    /// <summary>Deletes the hint of a segment, if there is one; when this returns that is on disk.</summary>
    /// <exception cref="IOException">The disk refuses.</exception>
    public static void Delete(string folder, int segment)
    {
        string path = PathOf(folder, segment);
        if (File.Exists(path))
        {
            File.Delete(path);
            DiskSync.Folder(folder);
        }
    }

    /// <inheritdoc/>
    public IEnumerable<Key> Sample(int step)
    {
        RecordSlot[] block = NewBlock();
        for (int at = 0; at < Count; at += step)
        {
            ReadBlock(at / BlockSlots, block);
            yield return block[0].Key;
        }
    }

    /// <inheritdoc/>
    public HintCursor From(Key first)
    {
        RecordSlot[] block = NewBlock();
        int number = first == Key.Zero ? 0 : Math.Max(0, BlocksBefore(first, block) - 1);
        int count = ReadBlock(number, block);
        return new HintCursor(block, count, () => ReadBlock(++number, block)).PassTo(first);
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private static HintFile? Begin(SafeFileHandle file, int segment)
    {
        var head = new byte[HeadBytes];
        if (RandomAccess.Read(file, head, 0) < HeadBytes
            || !head.AsSpan(0, 8).SequenceEqual(Magic)
            || BinaryPrimitives.ReadInt32LittleEndian(head.AsSpan(8)) != segment)
        {
            return null;
        }

        int count = BinaryPrimitives.ReadInt32LittleEndian(head.AsSpan(12));
        int namesBytes = BinaryPrimitives.ReadInt32LittleEndian(head.AsSpan(40));
        if (count < 0 || namesBytes is < 0 or > NamesBytesMax
            || RandomAccess.GetLength(file) < HeadBytes + (long)namesBytes + ((long)count * s_slotBytes))
        {
            return null;
        }

        var whole = new byte[HeadBytes + namesBytes + ChecksumBytes];
        if (!IsWhole(file, whole, 0) || !IsSealed(whole, seed: -1))
        {
            return null;
        }

        var hint = new HintFile(file, segment, count, whole.Length)
        {
            Salt = BinaryPrimitives.ReadUInt64LittleEndian(head.AsSpan(16)),
            Covered = BinaryPrimitives.ReadInt64LittleEndian(head.AsSpan(24)),
            IsClosed = BinaryPrimitives.ReadInt32LittleEndian(head.AsSpan(44)) != 0,
        };
        hint.ReadNames(
            whole.AsSpan(HeadBytes, namesBytes),
            BinaryPrimitives.ReadInt32LittleEndian(head.AsSpan(32)),
            BinaryPrimitives.ReadInt32LittleEndian(head.AsSpan(36)));
        return hint;
    }

    private static byte[] NamesOf(HintEntries entries)
    {
        using var names = new MemoryStream();
        foreach (string type in entries.Types)
        {
            byte[] utf8 = Encoding.UTF8.GetBytes(type); // at most 32 characters
            names.WriteByte((byte)utf8.Length);
            names.Write(utf8);
        }

        foreach (Key owner in entries.Owners)
        {
            names.Write(owner.ToBytes());
        }

        return names.ToArray();
    }

    private static void WriteBlocks(FileStream file, ReadOnlySpan<RecordSlot> slots)
    {
        var block = new byte[(BlockSlots * s_slotBytes) + ChecksumBytes];
        for (int number = 0; !slots.IsEmpty; number++)
        {
            ReadOnlySpan<RecordSlot> some = slots[..Math.Min(BlockSlots, slots.Length)];
            MemoryMarshal.AsBytes(some).CopyTo(block);
            Span<byte> written = block.AsSpan(0, (some.Length * s_slotBytes) + ChecksumBytes);
            Seal(written, number);
            file.Write(written);
            slots = slots[some.Length..];
        }
    }

    private static void Seal(Span<byte> bytes, int seed) => BinaryPrimitives.WriteUInt64LittleEndian(
        bytes[^ChecksumBytes..], XxHash3.HashToUInt64(bytes[..^ChecksumBytes], seed));

    private static bool IsSealed(ReadOnlySpan<byte> bytes, int seed) =>
        BinaryPrimitives.ReadUInt64LittleEndian(bytes[^ChecksumBytes..])
            == XxHash3.HashToUInt64(bytes[..^ChecksumBytes], seed);

    private static bool IsWhole(SafeFileHandle file, Span<byte> destination, long offset)
    {
        int got = 1;
        for (; destination.Length > 0 && got > 0; destination = destination[got..], offset += got)
        {
            got = RandomAccess.Read(file, destination, offset);
        }

        return destination.IsEmpty;
    }

    private void ReadNames(ReadOnlySpan<byte> names, int types, int owners)
    {
        for (int i = 0; i < types; i++)
        {
            Types.Add(Encoding.UTF8.GetString(names.Slice(1, names[0])));
            names = names[(1 + names[0])..];
        }

        for (int i = 0; i < owners; i++)
        {
            Owners.Add(Key.Read(names));
            names = names[Key.SizeInBytes..];
        }
    }

    // One more than a block has entries: room for the checksum behind them.
    private static RecordSlot[] NewBlock() => new RecordSlot[BlockSlots + 1];

    /// <summary>Number of blocks that begin with a smaller key.</summary>
    private int BlocksBefore(Key key, RecordSlot[] block)
    {
        int low = 0;
        int high = Blocks;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            ReadBlock(middle, block); // whole, for a key is believed only where the block is intact
            if (block[0].Key < key)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    /// <summary>Reads a block; returns how many entries it has, 0 behind the last one.</summary>
    private int ReadBlock(int number, RecordSlot[] block)
    {
        int slots = Math.Min(BlockSlots, Count - (number * BlockSlots));
        if (slots <= 0)
        {
            return 0;
        }

        long position = _blocksAt + (number * ((BlockSlots * (long)s_slotBytes) + ChecksumBytes));
        Span<byte> bytes =
            MemoryMarshal.AsBytes(block.AsSpan())[..((slots * s_slotBytes) + ChecksumBytes)];
        bool isIntact;
        try
        {
            isIntact = IsWhole(_file, bytes, position) && IsSealed(bytes, number);
        }
        catch (IOException)
        {
            isIntact = false;
        }

        return isIntact ? slots : throw new HintDamagedException(Segment);
    }
}
