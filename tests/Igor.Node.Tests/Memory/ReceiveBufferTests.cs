using Igor.Local.Sockets;
using Igor.Node.Memory;

namespace Igor.Node.Tests;

public sealed class ReceiveBufferTests
{
    private const int MiB = 1024 * 1024;
    private static readonly TimeSpan s_patience = TimeSpan.FromMilliseconds(200);

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

    [Fact]
    public async Task Application_whose_requests_use_its_share_up_is_read_on()
    {
        ByteAccount account = _bytes.Open(HolderKind.Application);
        while (account.TryTake(MiB))
        {
            // Requests that wait for their answers.
        }

        using var buffer = new ReceiveBuffer(4 * MiB, account, s_patience);
        while (buffer.Length < MiB)
        {
            buffer.Add(Math.Min(buffer.Free.Length, MiB - buffer.Length));
            Assert.True(await buffer.TryGoOnAsync(0, MiB));
        }

        Assert.False(account.TryTake(MiB)); // the request in it is told so
        Assert.True(await buffer.TryGoOnAsync(MiB, 4));
    }

    [Fact]
    public async Task Frames_of_applications_leave_room_for_others_and_wait_for_as_long_as_they_may()
    {
        ByteAccount other = _bytes.Open(HolderKind.Application);
        while (other.TryTakeIncoming(MiB))
        {
            // Frames of other applications.
        }

        Assert.Equal(16 * MiB, _bytes.Total);
        long refused = _bytes.Refused(HolderKind.Application);
        using var buffer = new ReceiveBuffer(4 * MiB, _bytes.Open(HolderKind.Application), s_patience);
        buffer.Add(buffer.Free.Length);
        bool isRead = true;
        while (isRead && buffer.Length < MiB)
        {
            isRead = await buffer.TryGoOnAsync(0, MiB);
            buffer.Add(isRead ? buffer.Free.Length : 0);
        }

        Assert.False(isRead);
        Assert.Equal(refused + 1, _bytes.Refused(HolderKind.Application));
        other.ReturnIncoming(16 * MiB);
        Assert.True(await buffer.TryGoOnAsync(0, MiB));
    }

    private ReceiveBuffer Buffer() => new(4 * MiB, _bytes.Open(HolderKind.Application), s_patience);
}
