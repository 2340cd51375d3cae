using Igor.LocalSocket;

namespace Igor.Node.Tests;

public sealed class ReceiveBufferTests
{
    private const int MiB = 1024 * 1024;

    private readonly ByteBudget _bytes = new(64 * MiB);

    [Fact]
    public async Task Announced_length_takes_no_memory_before_its_bytes_come()
    {
        using ReceiveBuffer buffer = Buffer();
        buffer.Add(4);
        Assert.True(await buffer.TryGoOnAsync(0, MiB + 4));
        Assert.Equal(0, _bytes.Total);
        Assert.True(buffer.Free.Length < 64 * 1024);
    }

    [Fact]
    public async Task Whole_frame_fits_and_its_memory_goes_back_after_it()
    {
        using ReceiveBuffer buffer = Buffer();
        while (buffer.Length < MiB)
        {
            buffer.Add(Math.Min(buffer.Free.Length, MiB - buffer.Length));
            Assert.True(await buffer.TryGoOnAsync(0, MiB));
            Assert.Equal(buffer.Length == MiB, buffer.Free.IsEmpty);
        }

        Assert.InRange(_bytes.Total, MiB / 2, 2 * MiB);
        Assert.True(await buffer.TryGoOnAsync(MiB, 4));
        Assert.Equal(0, _bytes.Total);
        Assert.True(buffer.Free.Length < 64 * 1024);
    }

    [Fact]
    public async Task What_was_taken_is_returned_when_the_connection_ends_inside_a_frame()
    {
        ReceiveBuffer buffer = Buffer();
        while (buffer.Length < MiB)
        {
            buffer.Add(Math.Min(buffer.Free.Length, MiB - buffer.Length));
            await buffer.TryGoOnAsync(0, 2 * MiB);
        }

        buffer.Dispose();
        Assert.Equal(0, _bytes.Total);
    }

    private ReceiveBuffer Buffer() => new(4 * MiB, _bytes.Open(HolderKind.Application));
}
