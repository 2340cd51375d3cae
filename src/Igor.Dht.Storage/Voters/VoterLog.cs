using Igor.Dht.Protocol.Records;
using Igor.Dht.Storage.Segments;
using Microsoft.Win32.SafeHandles;

namespace Igor.Dht.Storage.Voters;

/// <summary>
/// A voter's log on disk, in one file beside the records: frames that are checksummed and synced one after
/// the other, each with all that was appended meanwhile. It is rewritten into a new file that takes the place
/// of the old one. A frame that is damaged although others follow it means that promises may be missing: the
/// file is put aside, and what is there from then on is another store. While the disk is full a write waits,
/// as for a slow disk; after any other fault nothing more is promised. All members are thread-safe.
/// </summary>
public sealed class VoterLog : IVoterLog
{
    /// <summary>The name of the file.</summary>
    public const string FileName = "views.log";

    private const int RewrittenFrameBytes = 1024 * 1024;
    private const string NewName = "views.new";
    private const string DamagedName = "views.damaged";

    /// <summary>How long it takes to look again whether there is room.</summary>
    private static readonly TimeSpan RoomPause = TimeSpan.FromMilliseconds(200);

    private readonly Lock _lock = new();
    private readonly AutoResetEvent _wake = new(false);
    private readonly string _folder;
    private readonly string _network;
    private readonly Thread _thread;
    private IReadOnlyList<ReadOnlyMemory<byte>> _kept;
    private SafeFileHandle _file;
    private long _end;
    private Work _next = new();
    private bool _hasFailed;
    private bool _isClosed;

    private VoterLog(string folder, string network, SafeFileHandle file, VoterFile content)
    {
        _folder = folder;
        _network = network;
        _file = file;
        Incarnation = content.Incarnation;
        _kept = content.Entries;
        _end = content.IntactBytes;
        _thread = new Thread(Run) { IsBackground = true, Name = "igor voter log" };
    }

    /// <inheritdoc/>
    public ulong Incarnation { get; }

    /// <inheritdoc/>
    public string? Trouble { get; private set; }

    /// <summary>Whether the log was made anew although there was one, since that was damaged.</summary>
    public bool WasDamaged { get; private init; }

    /// <summary>Opens the log in a folder whose lock is held, or makes it.</summary>
    /// <param name="folder">The folder of a store.</param>
    /// <param name="network">The network; the log of another one is put aside.</param>
    /// <exception cref="RecordStoreException">The disk is full, read-only or failed.</exception>
    public static VoterLog Open(string folder, string network)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentNullException.ThrowIfNull(network);
        try
        {
            string path = Path.Combine(folder, FileName);
            bool isThere = File.Exists(path);
            VoterFile? content = isThere ? VoterFile.TryRead(File.ReadAllBytes(path), network) : null;
            if (isThere && content is null)
            {
                File.Move(path, Path.Combine(folder, DamagedName), overwrite: true);
            }

            if (content is null)
            {
                content = VoterFile.New();
                Replace(folder, network, content.Incarnation, []);
            }

            SafeFileHandle file = OwnFiles.Open(path, FileMode.Open, FileAccess.ReadWrite, FileShare.Read);
            RandomAccess.SetLength(file, content.IntactBytes);
            DiskSync.File(file);
            var log = new VoterLog(folder, network, file, content)
            {
                WasDamaged = isThere && !content.WasThere,
            };
            log._thread.Start();
            return log;
        }
        catch (Exception e) when (DiskFault.IsOfDisk(e))
        {
            throw new RecordStoreException(
                DiskFault.Describe("The log of this node's promises cannot be opened", folder, e), e);
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<ReadOnlyMemory<byte>> TakeKept()
    {
        IReadOnlyList<ReadOnlyMemory<byte>> kept = _kept;
        _kept = [];
        return kept;
    }

    /// <inheritdoc/>
    public void Append(ReadOnlyMemory<byte> entry)
    {
        lock (_lock)
        {
            _next.Appended.Add(entry);
        }
    }

    /// <inheritdoc/>
    public void Sync(Action<bool> completed)
    {
        ArgumentNullException.ThrowIfNull(completed);
        bool isOver;
        lock (_lock)
        {
            isOver = _isClosed || _hasFailed;
            if (!isOver)
            {
                _next.Completed.Add(completed);
            }
        }

        if (isOver)
        {
            completed(false);
        }
        else
        {
            _wake.Set();
        }
    }

    /// <inheritdoc/>
    public void Rewrite(IReadOnlyList<ReadOnlyMemory<byte>> entries)
    {
        ArgumentNullException.ThrowIfNull(entries);
        lock (_lock)
        {
            _next.Whole = entries;
            _next.Appended.Clear();
        }

        _wake.Set();
    }

    /// <summary>Writes what was appended, and closes the file.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_lock)
        {
            if (_isClosed)
            {
                return;
            }

            _isClosed = true;
        }

        _wake.Set();
        await Task.Run(_thread.Join).ConfigureAwait(false);
        _file.Dispose();
        _wake.Dispose();
    }

    private static void Replace(
        string folder, string network, ulong incarnation, IReadOnlyList<ReadOnlyMemory<byte>> entries)
    {
        string path = Path.Combine(folder, NewName);
        using (SafeFileHandle file = OwnFiles.Open(
            path, FileMode.Create, FileAccess.ReadWrite, FileShare.None))
        {
            byte[] head = VoterFile.Head(incarnation, network);
            RandomAccess.Write(file, head, 0);
            WriteFrames(file, head.Length, incarnation, entries, RewrittenFrameBytes);
            DiskSync.File(file);
        }

        File.Move(path, Path.Combine(folder, FileName), overwrite: true);
        DiskSync.Folder(folder);
    }

    private static long WriteFrames(
        SafeFileHandle file,
        long at,
        ulong incarnation,
        IReadOnlyList<ReadOnlyMemory<byte>> entries,
        int frameBytesMax)
    {
        foreach (byte[] frame in VoterFile.Frames(incarnation, at, entries, frameBytesMax))
        {
            RandomAccess.Write(file, frame, at);
            at += frame.Length;
        }

        return at;
    }

    private void Run()
    {
        while (true)
        {
            _wake.WaitOne();
            Work work;
            bool isLast;
            lock (_lock)
            {
                work = _next;
                _next = new Work();
                isLast = _isClosed;
            }

            bool isDurable = !_hasFailed && WriteWhenThereIsRoom(work);
            work.Completed.ForEach(completed => completed(isDurable));
            if (isLast)
            {
                return;
            }
        }
    }

    private bool WriteWhenThereIsRoom(Work work)
    {
        while (true)
        {
            try
            {
                Write(work);
                Trouble = null;
                return true;
            }
            catch (Exception e) when (DiskFault.IsFull(e) && TryTakeBack())
            {
                Trouble = DiskFault.Describe("This node does not vote", _folder, e);
                if (IsClosed)
                {
                    return false;
                }

                Thread.Sleep(RoomPause);
            }
            catch (Exception e) when (DiskFault.IsOfDisk(e))
            {
                // What the disk holds now is not known before it is read again: nothing more is promised.
                lock (_lock)
                {
                    _hasFailed = true;
                    Trouble = DiskFault.Describe("This node votes no more until it is restarted", _folder, e);
                }

                return false;
            }
        }
    }

    private bool IsClosed
    {
        get
        {
            lock (_lock)
            {
                return _isClosed;
            }
        }
    }

    private void Write(Work work)
    {
        if (work.Whole is { } whole)
        {
            Replace(_folder, _network, Incarnation, whole);
            work.Whole = null;
            _file.Dispose();
            string path = Path.Combine(_folder, FileName);
            _file = OwnFiles.Open(path, FileMode.Open, FileAccess.ReadWrite, FileShare.Read);
            _end = RandomAccess.GetLength(_file);
        }

        if (work.Appended.Count > 0)
        {
            long end = WriteFrames(_file, _end, Incarnation, work.Appended, int.MaxValue);
            DiskSync.File(_file);
            _end = end;
        }
    }

    // Of a frame for which there was no room nothing is left, nor of the new file.
    private bool TryTakeBack()
    {
        try
        {
            File.Delete(Path.Combine(_folder, NewName));
            RandomAccess.SetLength(_file, _end);
            return true;
        }
        catch (Exception e) when (DiskFault.IsOfDisk(e) || e is ObjectDisposedException)
        {
            return false;
        }
    }

    /// <summary>What goes to the disk at once.</summary>
    private sealed class Work
    {
        public IReadOnlyList<ReadOnlyMemory<byte>>? Whole { get; set; }

        public List<ReadOnlyMemory<byte>> Appended { get; } = [];

        public List<Action<bool>> Completed { get; } = [];
    }
}
