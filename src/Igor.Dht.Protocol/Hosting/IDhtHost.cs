using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Hosting;

/// <summary>
/// What a host is to the <see cref="DhtDriver"/> that it runs. What ends later is told to the host on any
/// thread, and the host brings it in when it is the driver's turn.
/// </summary>
public interface IDhtHost
{
    /// <summary>The time; asked for in the driver's turn.</summary>
    DhtTime Now { get; }

    /// <summary>
    /// A request ended: it is to be brought in by <see cref="DhtDriver.HandleReply"/>. The payload is valid
    /// during the call only.
    /// </summary>
    void TakeReply(long token, in KbrReply reply);

    /// <summary>A write ended: it is to be brought in by <see cref="DhtDriver.HandleWritten"/>.</summary>
    void TakeWritten(long token, StoreOutcome outcome);

    /// <summary>A read ended: it is to be brought in by <see cref="DhtDriver.HandleRead"/>.</summary>
    void TakeRead(long token, Record? record);

    /// <summary>
    /// A sync of the voter's log ended: it is to be brought in by <see cref="DhtDriver.HandleSynced"/>.
    /// </summary>
    void TakeSynced(bool isDurable);

    /// <summary>
    /// Hold so many bytes more on behalf of a peer; false when they would be more than its share, or than all
    /// may hold.
    /// </summary>
    /// <param name="via">The peer that handed a request over (<see cref="KbrDelivery.Via"/>).</param>
    /// <param name="bytes">Bytes of records.</param>
    bool TryHold(Key via, int bytes);

    /// <summary>So many bytes are not held any more.</summary>
    void Release(Key via, int bytes);
}
