using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Tests.Machines;

public class DhtContextTests
{
    private readonly DhtContext _context = new(Key.Zero, DhtNodeOptions.Default, null!, 1);

    [Theory]
    [InlineData(0, 100, false)]
    [InlineData(100, 90, true)]
    [InlineData(100, 40, false)]
    public void Record_keeps_the_payload_that_it_is_most_of_if_that_is_owned(
        int ownedBytes, int recordBytes, bool isKept)
    {
        byte[] payload = new byte[100];
        _context.OwnedBytes = ownedBytes;
        ReadOnlyMemory<byte> record = _context.Own(payload.AsMemory(0, recordBytes));

        payload[0] = 1;
        Assert.Equal(recordBytes, record.Length);
        Assert.Equal(isKept ? 1 : 0, record.Span[0]);
    }

    [Fact]
    public void Messages_of_one_record_are_known_by_their_first_bytes()
    {
        Record record = RecordCodec.Encode(
            new RecordHeader { Key = Key.Max, Type = "value", Version = new RecordVersion(1, 1) }, [1]);
        var fetched = new FetchedEntry(FetchedStatus.Record, 5, false, record.Encoded);
        Assert.True(IsRecord(b => new PutMessage(default, default, record.Encoded, 0, []).Write(b)));
        Assert.True(IsRecord(b => ReplicaMessages.WriteStore(b, true, [record])));
        Assert.True(IsRecord(b => ReplicaMessages.WriteFetched(b, [fetched])));
        Assert.False(IsRecord(b => ReplicaMessages.WriteStore(b, true, [record, record])));
        Assert.False(IsRecord(b => ReplicaMessages.WriteFetched(b, [fetched, fetched])));
        Assert.False(IsRecord(b => new GetMessage(Key.Max, default, default).Write(b)));
        Assert.False(Decoding.IsRecord([]));
    }

    private static bool IsRecord(Action<PayloadBuffer> write)
    {
        var buffer = new PayloadBuffer();
        write(buffer);
        return Decoding.IsRecord(buffer.Written.Span);
    }
}
