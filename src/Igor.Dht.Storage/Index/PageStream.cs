using System.Buffers.Binary;
using System.IO.Hashing;
using Igor.Dht.Storage.Segments;
using Microsoft.Win32.SafeHandles;

// LiteDB writes pages of 8 KiB without checksums and with an fsync each. Under this stream every page carries
// a checksum, so that a flipped, zeroed or missing page is noticed when it is read; and nothing is forced to
// the disk before the store closes, because an index that a dying machine leaves behind is rebuilt anyway.

namespace Igor.Dht.Storage.Index;

/// <summary>
/// A file of checksummed pages that looks like a plain stream to LiteDB. Calls come one at a time.
/// </summary>
internal sealed class PageStream : Stream
{
    /// <summary>Size of a page as LiteDB sees it.</summary>
    public const int PageBytes = 8192;

    private const int ChecksumBytes = 8;

    /// <summary>Size of a page on the disk.</summary>
    public const int BlockBytes = PageBytes + ChecksumBytes;

    private readonly string _path;
    private readonly PageHold _hold;
    private readonly Dictionary<long, byte[]> _held = [];
    private readonly byte[] _block = new byte[BlockBytes];
    private SafeFileHandle? _file;
    private bool _isWritable;
    private long _length;
    private long _position;

    private PageStream(string path, PageHold hold, SafeFileHandle? file, bool isWritable, long length)
    {
        _path = path;
        _hold = hold;
        _file = file;
        _isWritable = isWritable;
        _length = length;
    }

    /// <summary>Held during every read and write of pages.</summary>
    public Lock Gate { get; } = new();

    /// <summary>
    /// The first failure, even if LiteDB met it on a thread of its own and kept silent; else null.
    /// </summary>
    public Exception? Failure { get; private set; }

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanSeek => true;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override long Length => _length;

    /// <inheritdoc/>
    public override long Position
    {
        get => _position;
        set => _position = value;
    }

    /// <summary>Pages read and written so far.</summary>
    public long PagesMoved { get; private set; }

    /// <summary>Bytes that the file takes on disk.</summary>
    public long DiskBytes => _length / PageBytes * BlockBytes;

    /// <summary>Opens a file of pages or makes an empty one.</summary>
    /// <param name="path">The file.</param>
    /// <param name="isLog">
    /// Whether an incomplete last page may be dropped: a process killed while it appended to the log leaves
    /// one, and what it belonged to was not committed.
    /// </param>
    /// <param name="hold">
    /// Shared by both files of an index; begins when the disk does not let this one be written.
    /// </param>
    /// <exception cref="IndexDamagedException">The file does not consist of whole pages.</exception>
    public static PageStream Open(string path, bool isLog, PageHold hold)
    {
        SafeFileHandle? file = TryOpen(path, out bool isWritable);
        if (!isWritable)
        {
            hold.Begin();
        }

        long bytes = file is null ? 0 : RandomAccess.GetLength(file);
        if (bytes % BlockBytes != 0 && !isLog)
        {
            file!.Dispose();
            throw new IndexDamagedException($"{Path.GetFileName(path)} is cut in the middle of a page");
        }

        return new PageStream(path, hold, file, isWritable, bytes / BlockBytes * PageBytes);
    }

    /// <summary>
    /// Begins with no pages in memory, whatever the file holds: for a disk that does not let it be deleted.
    /// </summary>
    public static PageStream OpenEmpty(string path, PageHold hold)
    {
        hold.Begin();
        return new PageStream(path, hold, null, isWritable: false, 0);
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        lock (Gate)
        {
            return ReadPages(buffer);
        }
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        lock (Gate)
        {
            WritePages(buffer);
        }
    }

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => _position = origin switch
    {
        SeekOrigin.Begin => offset,
        SeekOrigin.Current => _position + offset,
        _ => _length + offset,
    };

    /// <inheritdoc/>
    public override void SetLength(long value)
    {
        long pages = (value + PageBytes - 1) / PageBytes;
        lock (Gate)
        {
            if (value < _length)
            {
                Cut(pages);
            }
            else
            {
                ExtendTo(pages);
            }
        }
    }

    /// <summary>Does nothing: see the head of this file.</summary>
    public override void Flush()
    {
    }

    /// <summary>Forces everything to the disk.</summary>
    /// <exception cref="IOException">The disk is full or failed.</exception>
    public void FlushToDisk() => DiskSync.File(_file!);

    /// <summary>
    /// Writes what is held to the disk; it stays held until <see cref="LetGo"/>. Both files of an index are
    /// written before the hold ends.
    /// </summary>
    /// <exception cref="IOException">The disk is full or failed; try again later.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be written.</exception>
    public void WriteHeld()
    {
        if (!_isWritable)
        {
            SafeFileHandle file = OpenToWrite(_path);
            _file?.Dispose();
            _file = file;
            _isWritable = true;
        }

        foreach ((long page, byte[] block) in _held)
        {
            RandomAccess.Write(_file!, block, page * BlockBytes);
        }

        RandomAccess.SetLength(_file!, _length / PageBytes * BlockBytes);
    }

    /// <summary>Forgets what was held.</summary>
    public void LetGo() => _held.Clear();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _file?.Dispose();
        base.Dispose(disposing);
    }

    private int ReadPages(Span<byte> buffer)
    {
        int done = 0;
        while (done < buffer.Length)
        {
            ReadPage(_position / PageBytes);
            int within = (int)(_position % PageBytes);
            int count = Math.Min(PageBytes - within, buffer.Length - done);
            _block.AsSpan(within, count).CopyTo(buffer[done..]);
            done += count;
            _position += count;
        }

        return done;
    }

    private void WritePages(ReadOnlySpan<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            long page = _position / PageBytes;
            int within = (int)(_position % PageBytes);
            int count = Math.Min(PageBytes - within, buffer.Length);
            ExtendTo(page);
            if (count < PageBytes)
            {
                LoadForChange(page);
            }

            buffer[..count].CopyTo(_block.AsSpan(within));
            WritePage(page);
            buffer = buffer[count..];
            _position += count;
        }
    }

    private void ReadPage(long page)
    {
        if (Failure is not null)
        {
            throw new IndexDamagedException("the index failed before: " + Failure.Message, Failure);
        }

        PagesMoved++;
        if (_held.TryGetValue(page, out byte[]? held))
        {
            held.CopyTo(_block, 0);
            return;
        }

        int got = _file is null ? 0 : RandomAccess.Read(_file, _block, page * BlockBytes);
        ulong stored = BinaryPrimitives.ReadUInt64LittleEndian(_block.AsSpan(PageBytes));
        if (got != BlockBytes || stored != XxHash3.HashToUInt64(_block.AsSpan(0, PageBytes), page + 1))
        {
            string what = got == BlockBytes ? "is damaged" : "is missing";
            var failure = new IndexDamagedException($"page {page} of {Path.GetFileName(_path)} {what}");
            Failure = failure;
            throw failure;
        }
    }

    private void WritePage(long page)
    {
        ulong checksum = XxHash3.HashToUInt64(_block.AsSpan(0, PageBytes), page + 1);
        BinaryPrimitives.WriteUInt64LittleEndian(_block.AsSpan(PageBytes), checksum);
        long lengthBefore = _length;
        _length = Math.Max(_length, (page + 1) * PageBytes);
        PagesMoved++;
        try
        {
            if (Failure is null && !_hold.IsHolding)
            {
                RandomAccess.Write(_file!, _block, page * BlockBytes);
            }
        }
        catch (Exception e) when (DiskFault.IsRefusal(e))
        {
            CutOffTornPage(lengthBefore);
            _hold.Begin();
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // LiteDB writes on a thread of its own, where an exception would end the process or hang the
            // engine. The failure is kept instead; every later read throws it, and whoever commits asks for
            // it.
            Failure = e;
        }

        if (_hold.IsHolding)
        {
            Hold(page);
        }
    }

    private void Hold(long page)
    {
        if (_held.TryGetValue(page, out byte[]? held))
        {
            _block.CopyTo(held, 0);
        }
        else if (_hold.TryAdd())
        {
            _held.Add(page, [.. _block]);
        }
        else
        {
            Failure ??= new IOException("more of the index waits for the disk than memory may hold");
        }
    }

    private void Cut(long pages)
    {
        if (!_hold.IsHolding)
        {
            RandomAccess.SetLength(_file!, pages * BlockBytes);
        }

        long[] gone = [.. _held.Keys.Where(page => page >= pages)];
        foreach (long page in gone)
        {
            _held.Remove(page);
        }

        _hold.Remove(gone.Length);
        _length = pages * PageBytes;
    }

    /// <summary>A page that the disk took half of is none.</summary>
    private void CutOffTornPage(long length)
    {
        try
        {
            if (RandomAccess.GetLength(_file!) > length / PageBytes * BlockBytes)
            {
                RandomAccess.SetLength(_file!, length / PageBytes * BlockBytes);
            }
        }
        catch (Exception e) when (DiskFault.IsOfDisk(e))
        {
            // Then it is found damaged at the next start, and the index is made anew.
        }
    }

    private static SafeFileHandle? TryOpen(string path, out bool isWritable)
    {
        isWritable = true;
        try
        {
            return OpenToWrite(path);
        }
        catch (Exception e) when (DiskFault.IsRefusal(e))
        {
            isWritable = false;
            return File.Exists(path)
                ? File.OpenHandle(path, FileMode.Open, FileAccess.Read, Sharing)
                : null;
        }
    }

    private static SafeFileHandle OpenToWrite(string path) =>
        OwnFiles.Open(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, Sharing);

    private static FileShare Sharing => FileShare.ReadWrite | FileShare.Delete;

    private void LoadForChange(long page)
    {
        if ((page + 1) * PageBytes <= _length)
        {
            ReadPage(page);
        }
        else
        {
            _block.AsSpan().Clear();
        }
    }

    private void ExtendTo(long pages)
    {
        while (_length < pages * PageBytes)
        {
            _block.AsSpan().Clear();
            WritePage(_length / PageBytes);
        }
    }
}
