using Igor.Dht.Protocol.Hosting;
using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht;

/// <content>What the driver asks of its host; ends come on any thread.</content>
internal sealed partial class DhtHost : IDhtHost
{
    /// <inheritdoc/>
    DhtTime IDhtHost.Now
    {
        get
        {
            NetworkTime time = _time();
            return new DhtTime(BootClock.Now - _started, time.UnixMs, time.IsTrusted);
        }
    }

    /// <inheritdoc/>
    bool IDhtHost.TryHold(Key via, int bytes) => _bytes.TryTake(via, bytes);

    /// <inheritdoc/>
    void IDhtHost.Release(Key via, int bytes) => _bytes.Return(via, bytes);

    /// <inheritdoc/>
    void IDhtHost.TakeReply(long token, in KbrReply reply)
    {
        int bytes = reply.Payload.Length;
        bool isHeld = bytes <= Upcall.SmallBytes || _bytes.TryTake(_self, bytes);
        _strand.Post(
            RunUpcall,
            Upcall.Of(this, token, isHeld ? reply : KbrReply.Failed(KbrStatus.Overloaded)));
    }

    /// <inheritdoc/>
    void IDhtHost.TakeRead(long token, Record? record) =>
        _strand.Post(RunUpcall, Upcall.Of(this, token, record));

    /// <inheritdoc/>
    void IDhtHost.TakeSynced(bool isDurable) => _strand.Post(
        static state =>
        {
            var (host, isDurable) = ((DhtHost, bool))state;
            host._driver.HandleSynced(isDurable);
        },
        (this, isDurable));

    /// <inheritdoc/>
    void IDhtHost.TakeWritten(long token, StoreOutcome outcome)
    {
        _written.Enqueue((token, outcome));
        if (_disk is not { IsTelling: true })
        {
            TakeWrittenElsewhere(); // else the store says when it has told all
        }
    }
}
