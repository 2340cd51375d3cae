// LiteDB writes pages of 8 KiB without checksums and with an fsync each. Under this stream every page carries
// a checksum, so that a flipped, zeroed or missing page is noticed when it is read; and nothing is forced to
// the disk before the store closes, because an index that a dying machine leaves behind is rebuilt anyway.
using System.Buffers.Binary;
using System.IO.Hashing;
using Igor.Dht.Storage.Segments;
using Microsoft.Win32.SafeHandles;

namespace Igor.Dht.Storage.Index;

/// <summary>
/// A file of checksummed pages that looks like a plain stream to LiteDB. Calls come one at a time.
/// </summary>
internal sealed class PageStream : Stream
{
    /// <summary>Size of a page as LiteDB sees it.</summary>
    public const int PageBytes = 8192;

    private const int ChecksumBytes = 8;
    private const int BlockBytes = PageBytes + ChecksumBytes;

    private readonly SafeFileHandle _file;
    private readonly string _path;
    private readonly byte[] _block = new byte[BlockBytes];
    private long _length;
    private long _position;

    private PageStream(SafeFileHandle file, string path, long length)
    {
        _file = file;
        _path = path;
        _length = length;
    }

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
    /// <exception cref="IndexDamagedException">The file does not consist of whole pages.</exception>
    public static PageStream Open(string path, bool isLog)
    {
        SafeFileHandle file = File.OpenHandle(
            path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        long bytes = RandomAccess.GetLength(file);
        if (bytes % BlockBytes != 0 && !isLog)
        {
            file.Dispose();
            throw new IndexDamagedException($"{Path.GetFileName(path)} is cut in the middle of a page");
        }

        return new PageStream(file, path, bytes / BlockBytes * PageBytes);
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
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

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
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
        if (value < _length)
        {
            RandomAccess.SetLength(_file, pages * BlockBytes);
            _length = pages * PageBytes;
        }
        else
        {
            ExtendTo(pages);
        }
    }

    /// <summary>Does nothing: see the head of this file.</summary>
    public override void Flush()
    {
    }

    /// <summary>Forces everything to the disk.</summary>
    public void FlushToDisk() => DiskSync.File(_file);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _file.Dispose();
        base.Dispose(disposing);
    }

    private void ReadPage(long page)
    {
        if (Failure is not null)
        {
            throw new IndexDamagedException("the index failed before: " + Failure.Message, Failure);
        }

        PagesMoved++;
        int got = RandomAccess.Read(_file, _block, page * BlockBytes);
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
        _length = Math.Max(_length, (page + 1) * PageBytes);
        PagesMoved++;
        try
        {
            if (Failure is null)
            {
                RandomAccess.Write(_file, _block, page * BlockBytes);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ObjectDisposedException)
        {
            // LiteDB writes on a thread of its own, where an exception would end the process or hang the
            // engine. The failure is kept instead; every later read throws it, and whoever commits asks for
            // it.
            Failure = e;
        }
    }

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
