using Igor.Dht.Protocol.Hosting;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht;

/// <summary>What an <see cref="Upcall"/> is about.</summary>
internal enum UpcallKind
{
    Delivery,
    Reply,
    Read,
    Update,
}

/// <summary>
/// Something that waits to be handled on the strand of a <see cref="DhtHost"/>. A payload is copied, since
/// the original is valid only while the upcall lasts: one that is a record into memory that becomes the
/// record's, others into a pooled buffer.
/// </summary>
internal sealed class Upcall
{
    /// <summary>What an upcall costs beside its payload.</summary>
    public const int OverheadBytes = 256;

    /// <summary>Answers up to this size are bounded by the number of requests that they end.</summary>
    public const int SmallBytes = 16 * 1024;

    private byte[]? _rented;

    private Upcall(DhtHost host, UpcallKind kind)
    {
        Host = host;
        Kind = kind;
    }

    /// <summary>Whose it is.</summary>
    public DhtHost Host { get; }

    /// <summary>What it is about.</summary>
    public UpcallKind Kind { get; }

    /// <summary>What ended.</summary>
    public long Token { get; private init; }

    /// <summary>Whether the payload stays as it is for good.</summary>
    public bool IsOwned { get; private set; }

    /// <summary>A delivery.</summary>
    public KbrDelivery Delivery { get; private set; }

    /// <summary>The end of a request.</summary>
    public KbrReply Reply { get; private set; }

    /// <summary>The end of a read.</summary>
    public Record? Record { get; private init; }

    /// <summary>A change of the ring.</summary>
    public NeighbourChange? Change { get; private init; }

    public static Upcall Of(DhtHost host, in KbrDelivery delivery)
    {
        var upcall = new Upcall(host, UpcallKind.Delivery);
        upcall.Delivery = delivery with { Payload = upcall.Copy(delivery.Payload) };
        return upcall;
    }

    public static Upcall Of(DhtHost host, long token, in KbrReply reply)
    {
        var upcall = new Upcall(host, UpcallKind.Reply) { Token = token };
        upcall.Reply = reply with { Payload = upcall.Copy(reply.Payload) };
        return upcall;
    }

    public static Upcall Of(DhtHost host, long token, Record? record) =>
        new(host, UpcallKind.Read) { Token = token, Record = record };

    public static Upcall Of(DhtHost host, NeighbourChange change) =>
        new(host, UpcallKind.Update) { Change = change };

    /// <summary>Gives the buffer back.</summary>
    public void Return()
    {
        if (_rented is not null)
        {
            LargeBuffers.Return(_rented);
            _rented = null;
        }
    }

    private ReadOnlyMemory<byte> Copy(ReadOnlyMemory<byte> payload)
    {
        if (payload.IsEmpty)
        {
            return default;
        }

        IsOwned = DhtDriver.IsRecord(payload.Span);
        if (IsOwned)
        {
            return payload.ToArray();
        }

        _rented = LargeBuffers.Rent(payload.Length);
        payload.CopyTo(_rented);
        return _rented.AsMemory(0, payload.Length);
    }
}
