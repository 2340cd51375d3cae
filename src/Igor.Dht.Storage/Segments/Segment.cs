using System.Globalization;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;

namespace Igor.Dht.Storage.Segments;

/// <summary>One append-only file of entries.</summary>
internal sealed class Segment : IDisposable
{
    private const string Extension = ".seg";
    private readonly SafeFileHandle _file;
    private volatile bool _isStuck;
    private volatile bool _isHinted;

    private Segment(int id, string path, SafeFileHandle file, long length, ulong? salt)
    {
        Id = id;
        Salt = salt;
        FilePath = path;
        _file = file;
        Length = length;
    }

    /// <summary>The number of the segment; a larger one was begun later.</summary>
    public int Id { get; }

    /// <summary>
    /// What tells its file from every other, of the same number too; null when its head is damaged.
    /// </summary>
    public ulong? Salt { get; }

    /// <summary>Whether its hint is on disk, or cannot be made before the next start.</summary>
    public bool IsHinted
    {
        get => _isHinted;
        set => _isHinted = value;
    }

    /// <summary>Its file.</summary>
    public string FilePath { get; }

    /// <summary>Whether the disk let the file be opened for reading only.</summary>
    public bool IsReadOnly { get; private init; }

    /// <summary>Bytes that were written and, but while a batch is being committed, are on disk.</summary>
    public long Length { get; private set; }

    /// <summary>Bytes that this process knows to be on disk; the rest may be in the kernel's cache.</summary>
    public long SyncedLength { get; private set; }

    /// <summary>
    /// Whether compaction tried it in vain, for not everything in it can be read. It stays as it is until the
    /// next start.
    /// </summary>
    public bool IsStuck
    {
        get => _isStuck;
        set => _isStuck = value;
    }

    /// <summary>
    /// Stands before every read, with its offset and length: a test throws here what a failing disk throws.
    /// </summary>
    internal Action<long, int>? BeforeRead { get; set; }

    /// <summary>Stands before every sync: a test waits here, or throws what a failing disk throws.</summary>
    internal Action? BeforeSync { get; set; }

    /// <summary>Makes a new, empty segment and forces its head to the disk.</summary>
    /// <exception cref="IOException">The disk is full or failed.</exception>
    public static Segment Create(string folder, int id)
    {
        string path = PathOf(folder, id);
        SafeFileHandle file = OwnFiles.Open(path, FileMode.Create, FileAccess.ReadWrite, Sharing);
        try
        {
            Span<byte> head = stackalloc byte[SegmentCodec.FileHeaderBytes];
            ulong salt = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong)));
            SegmentCodec.WriteFileHeader(head, id, salt);
            RandomAccess.Write(file, head, 0);
            DiskSync.File(file);
            DiskSync.Folder(folder);
            return new Segment(id, path, file, head.Length, salt) { SyncedLength = head.Length };
        }
        catch
        {
            file.Dispose();
            File.Delete(path);
            throw;
        }
    }

    /// <summary>Opens a segment that is there.</summary>
    /// <exception cref="IOException">The file cannot be opened.</exception>
    public static Segment Open(string folder, int id)
    {
        string path = PathOf(folder, id);
        bool isReadOnly = false;
        SafeFileHandle file;
        try
        {
            file = OwnFiles.Open(path, FileMode.Open, FileAccess.ReadWrite, Sharing);
        }
        catch (Exception e) when (DiskFault.IsRefusal(e))
        {
            isReadOnly = true;
            file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, Sharing);
        }

        return new Segment(id, path, file, RandomAccess.GetLength(file), SaltOf(file, id))
        {
            IsReadOnly = isReadOnly,
        };
    }

    /// <summary>The ids of the segments in a folder, in ascending order.</summary>
    public static List<int> IdsIn(string folder)
    {
        var ids = new List<int>();
        foreach (string path in Directory.EnumerateFiles(folder, "*" + Extension))
        {
            string name = Path.GetFileNameWithoutExtension(path);
            if (int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int id) && id > 0)
            {
                ids.Add(id);
            }
        }

        ids.Sort();
        return ids;
    }

    /// <summary>Reads bytes; fewer than asked for at the end of the file.</summary>
    /// <exception cref="IOException">The disk failed.</exception>
    /// <exception cref="ObjectDisposedException">The segment was deleted meanwhile.</exception>
    public int Read(Span<byte> destination, long offset)
    {
        BeforeRead?.Invoke(offset, destination.Length);
        return RandomAccess.Read(_file, destination, offset);
    }

    /// <summary>Appends bytes without forcing them to the disk.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        RandomAccess.Write(_file, bytes, Length);
        Length += bytes.Length;
    }

    /// <summary>Forces everything to the disk.</summary>
    public void Sync()
    {
        BeforeSync?.Invoke();
        DiskSync.File(_file);
        SyncedLength = Length;
    }

    /// <summary>Cuts off what follows the offset.</summary>
    public void Truncate(long offset)
    {
        RandomAccess.SetLength(_file, offset);
        Length = offset;
        SyncedLength = Math.Min(SyncedLength, offset);
    }

    /// <summary>Closes the file; reads that are under way finish first.</summary>
    public void Dispose() => _file.Dispose();

    /// <summary>Deletes and closes the file; when it throws, the segment is as it was.</summary>
    /// <exception cref="IOException">The disk refuses.</exception>
    public void Delete()
    {
        File.Delete(FilePath);
        Dispose();
    }

    private static ulong? SaltOf(SafeFileHandle file, int id)
    {
        Span<byte> head = stackalloc byte[SegmentCodec.FileHeaderBytes];
        try
        {
            return SegmentCodec.SaltOf(head[..RandomAccess.Read(file, head, 0)], id);
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static FileShare Sharing => FileShare.ReadWrite | FileShare.Delete;

    private static string PathOf(string folder, int id) =>
        Path.Combine(folder, id.ToString("d8", CultureInfo.InvariantCulture) + Extension);
}
