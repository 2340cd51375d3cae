// Compaction needs room before it frees any, so a disk that is full could never free its own garbage. This
// file takes up, while there is room, what copying the live part of one segment needs. When the disk is full
// it is spent on that, nothing else is written meanwhile, and it is filled up again from what was freed.
namespace Igor.Dht.Storage.Segments;

/// <summary>Room on the disk that is kept for compaction. Thread-safe.</summary>
internal sealed class Reserve
{
    private const string Name = "reserve";

    private readonly Lock _gate = new();
    private readonly RecordStoreOptions _options;
    private readonly string _path;
    private long _bytes;
    private volatile bool _isSpent;
    private volatile bool _lacksRoom;

    /// <summary>Looks for the reserve in the folder of a store; makes nothing.</summary>
    public Reserve(RecordStoreOptions options)
    {
        _options = options;
        _path = Path.Combine(options.Folder, Name);
        _bytes = File.Exists(_path) ? new FileInfo(_path).Length : 0;
    }

    /// <summary>Bytes that compaction could write now.</summary>
    public long RoomBytes => Interlocked.Read(ref _bytes) + FreeBytes;

    /// <summary>Whether compaction has the room now, so that others must not write.</summary>
    public bool IsSpent => _isSpent;

    /// <summary>Bytes that others left free on the disk; very many when that cannot be told.</summary>
    public long FreeBytes
    {
        get
        {
            try
            {
                return new DriveInfo(_options.Folder).AvailableFreeSpace;
            }
            catch (Exception e) when (DiskFault.IsOfDisk(e) || e is ArgumentException)
            {
                return long.MaxValue / 2; // whoever writes finds out
            }
        }
    }

    /// <summary>Whether the disk had no room for it when it was to be kept last.</summary>
    public bool LacksRoom => _lacksRoom;

    /// <summary>
    /// Sets aside what moving the live part of one segment takes, when it is compacted in time, and no more
    /// than half of what the records take, so that a small store stays small. False when the disk has not so
    /// much.
    /// </summary>
    /// <param name="diskBytes">Bytes that the segments take.</param>
    public bool TryKeep(long diskBytes)
    {
        long step = Math.Max(64 * 1024, _options.SegmentBytesMax / 64);
        long most = (long)(_options.SegmentBytesMax * (1 - _options.CompactionGarbageShare)) + (2 * step);
        long wanted = Math.Min(most, diskBytes / 2) / step * step;
        lock (_gate)
        {
            if (_bytes == wanted || TryResize(wanted))
            {
                _isSpent = false;
                _lacksRoom = false;
            }

            return _bytes == wanted;
        }
    }

    /// <summary>Gives the room to compaction.</summary>
    public void Spend()
    {
        lock (_gate)
        {
            _isSpent = true;
            try
            {
                File.Delete(_path);
                _bytes = 0;
            }
            catch (Exception e) when (DiskFault.IsOfDisk(e))
            {
                // Compaction finds no room then, and is tried again.
            }
        }
    }

    private bool TryResize(long bytes)
    {
        try
        {
            using Microsoft.Win32.SafeHandles.SafeFileHandle file =
                OwnFiles.Open(_path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
            if (bytes < _bytes)
            {
                RandomAccess.SetLength(file, bytes);
            }
            else
            {
                DiskSync.Allocate(file, bytes);
            }

            _bytes = bytes;
            return true;
        }
        catch (Exception e) when (DiskFault.IsOfDisk(e))
        {
            _lacksRoom = DiskFault.IsFull(e);
            return false;
        }
    }
}
