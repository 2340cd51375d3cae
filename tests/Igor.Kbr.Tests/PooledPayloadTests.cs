namespace Igor.Kbr.Tests;

public class PooledPayloadTests
{
    [Fact]
    public void Bytes_stay_until_the_last_holder_lets_go()
    {
        byte[] bytes = [1, 2, 3];
        PooledPayload payload = PooledPayload.Of(bytes);
        bytes[0] = 9;
        payload.Hold();
        payload.Release();
        Assert.Equal([1, 2, 3], payload.Memory.ToArray());

        payload.Release();
        Assert.Throws<ObjectDisposedException>(() => payload.Memory);
    }

    [Fact]
    public void Payload_that_others_hold_or_that_is_large_is_not_used_again()
    {
        PooledPayload payload = PooledPayload.Of([1, 2, 3]);
        payload.Hold();
        Assert.False(payload.TryClear(1024));
        Assert.Equal(3, payload.Length);

        payload.Release();
        Assert.True(payload.TryClear(1024));
        Assert.Equal(0, payload.Length);

        payload.GetSpan(5000);
        Assert.False(payload.TryClear(1024));
    }

    [Fact]
    public void Payload_grows_as_it_is_written()
    {
        var payload = new PooledPayload(1);
        for (int at = 0; at < 10_000; at++)
        {
            payload.GetSpan(1)[0] = (byte)at;
            payload.Advance(1);
        }

        Assert.Equal([.. Enumerable.Range(0, 10_000).Select(at => (byte)at)], payload.Memory.ToArray());
    }
}
