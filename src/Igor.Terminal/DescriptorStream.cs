using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Igor.Terminal;

/// <summary>
/// A file descriptor as it is, one call of the operating system for each read or write. Unlike the streams of
/// Console it says when nobody reads any more, and unlike FileStream it uses the position that programs share
/// which write to one file, one after the other. An asynchronous wait ends when it is cancelled; the call
/// stays behind on a thread that does not keep the process.
/// </summary>
internal sealed class DescriptorStream : Stream
{
    private const int Interrupted = 4;
    private const int BadDescriptor = 9;
    private const int TryAgain = 11;
    private const int TryAgainOnMac = 35;
    private const int ClosesOnExec = 1;
    private const int GetFlags = 1;
    private const short Readable = 1;
    private const short Writable = 4;

    private readonly SafeFileHandle _handle;
    private readonly string _name;

    /// <summary>A descriptor that is open.</summary>
    /// <param name="handle">The descriptor, which the stream closes if it owns it.</param>
    /// <param name="name">What errors call it, e.g. "standard output".</param>
    public DescriptorStream(SafeFileHandle handle, string name)
    {
        _handle = handle;
        _name = name;
    }

    /// <summary>
    /// Whether the process got no such descriptor: what has its number now was opened since, by the runtime
    /// or by us, and must not be touched.
    /// </summary>
    public bool IsClosed { get; private init; }

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>A descriptor that the process was started with.</summary>
    public static DescriptorStream Inherited(int number, string name)
    {
        var handle = new SafeFileHandle(number, ownsHandle: false);

        // What is closed on exec cannot have come through one.
        int flags = GetDescriptorFlags(number, GetFlags);
        return new DescriptorStream(handle, name) { IsClosed = flags < 0 || (flags & ClosesOnExec) != 0 };
    }

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        ThrowIfClosed();
        while (true)
        {
            nint read = Read(_handle, ref MemoryMarshal.GetReference(buffer), buffer.Length);
            if (read >= 0)
            {
                return (int)read;
            }

            WaitOrThrow(Readable, "read");
        }
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(
        Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        await Task.Run(() => Read(buffer.Span), cancellationToken)
            .WaitAsync(cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    public override Task<int> ReadAsync(
        byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        ThrowIfClosed();
        while (buffer.Length > 0)
        {
            nint written = Write(_handle, ref MemoryMarshal.GetReference(buffer), buffer.Length);
            if (written >= 0)
            {
                buffer = buffer[(int)written..];
            }
            else
            {
                WaitOrThrow(Writable, "written");
            }
        }
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override async ValueTask WriteAsync(
        ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        await Task.Run(() => Write(buffer.Span), cancellationToken)
            .WaitAsync(cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    public override Task WriteAsync(
        byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <summary>Nothing is held back.</summary>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _handle.Dispose();
        base.Dispose(disposing);
    }

    private void ThrowIfClosed()
    {
        if (IsClosed)
        {
            throw new IOException($"{_name} is closed");
        }
    }

    private void WaitOrThrow(short events, string what)
    {
        int error = Marshal.GetLastPInvokeError();
        switch (error)
        {
            case Interrupted:
                break;
            case TryAgain or TryAgainOnMac:
                var ready = new PollDescriptor
                {
                    Descriptor = (int)_handle.DangerousGetHandle(),
                    Events = events,
                };
                _ = Poll(ref ready, 1, -1);
                break;
            case BadDescriptor:
                throw new IOException($"{_name} is closed");
            default:
                throw new IOException(
                    $"{_name} cannot be {what}: {Marshal.GetPInvokeErrorMessage(error)}");
        }
    }

    [DllImport("libc", EntryPoint = "read", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint Read(SafeFileHandle descriptor, ref byte buffer, nint count);

    [DllImport("libc", EntryPoint = "write", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint Write(SafeFileHandle descriptor, ref byte buffer, nint count);

    [DllImport("libc", EntryPoint = "poll", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Poll(ref PollDescriptor descriptors, nuint count, int timeoutMs);

    [DllImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int GetDescriptorFlags(int descriptor, int command);

    [StructLayout(LayoutKind.Sequential)]
    private struct PollDescriptor
    {
        public int Descriptor;
        public short Events;
        public short Occurred;
    }
}
