using Igor.Dht.Protocol.Messages;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Tests.Messages;

public class PayloadBufferTests
{
    [Fact]
    public void Message_that_is_held_stays_as_it_is_when_others_are_built()
    {
        var buffer = new PayloadBuffer();
        CommonMessages.WriteBusy(buffer, "first");
        byte[] first = buffer.Written.ToArray();
        PooledPayload held = buffer.Payload.Hold();
        CommonMessages.WriteBusy(buffer, "second");

        Assert.Equal(first, held.Memory.ToArray());
        held.Release();
        Assert.Throws<ObjectDisposedException>(() => held.Memory);
    }

    [Fact]
    public void Memory_of_a_message_that_nobody_holds_is_used_again_unless_it_is_large()
    {
        var buffer = new PayloadBuffer();
        CommonMessages.WriteBusy(buffer, "first");
        PooledPayload first = buffer.Payload;
        CommonMessages.WriteBusy(buffer, "second");
        Assert.Same(first, buffer.Payload);

        CommonMessages.WriteBusy(buffer, new string('x', 200_000));
        CommonMessages.WriteBusy(buffer, "last");
        Assert.NotSame(first, buffer.Payload);
    }
}
