using Igor.Dht.Protocol.Hosting;
using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Tests.Hosting;

/// <summary>A driver without a store, which is a client.</summary>
public sealed class DhtDriverTests
{
    private static readonly Key s_self = new(0, 0, 0, 1);
    private static readonly Key s_left = new(0, 0, 0, 2);
    private static readonly Key s_right = new(0, 0, 0, 3);

    [Fact]
    public void Client_of_a_member_sees_its_neighbours_and_is_no_member_itself()
    {
        var host = new Host(
            new NeighbourSet(s_self, isMember: true, [s_left, s_right], [s_right, s_left], 1));
        var client = new DhtDriver(s_self, DhtNodeOptions.Default, null, host, 1);
        client.Start();
        Assert.Equal(1, client.Attach(host));
        Assert.Equal([s_left, s_right], client.Status.Neighbours.Order());

        client.HandleUpdate(new NeighbourChange(
            new NeighbourSet(s_self, isMember: true, [], [], 2),
            [],
            [new Departure(s_left, DepartureReason.Failed), new Departure(s_right, DepartureReason.Failed)]));

        Assert.Equal(2, client.Status.Missing.Count);
        Assert.Empty(client.Status.Troubles); // a member would say that writes fail
        Assert.False(client.Status.IsJoined);
    }

    [Fact]
    public void Client_that_is_taken_for_a_member_has_the_asker_come_again()
    {
        var host = new Host(NeighbourSet.Alone(s_self, isMember: false));
        var client = new DhtDriver(s_self, DhtNodeOptions.Default, null, host, 1);
        client.Start();
        client.Attach(host);
        var buffer = new PayloadBuffer();
        new GetMessage(s_left, GetConsistency.Quorum, TimeSpan.FromSeconds(1)).Write(buffer);

        client.HandleDelivery(new KbrDelivery(s_self, s_left, new DeliveryToken(7), buffer.Written));
        client.HandleDelivery(new KbrDelivery(s_self, s_left, DeliveryToken.None, buffer.Written));

        byte[] reply = Assert.Single(host.Replies);
        Assert.True(Decoding.TryRead(reply, MessageKind.Busy, MessageParts.ReadText, out string? text));
        Assert.Contains("no records are kept there", text);
    }

    private sealed class Host(NeighbourSet neighbours) : IDhtHost, IKbrService
    {
        public List<byte[]> Replies { get; } = [];

        public DhtTime Now => new(TimeSpan.FromSeconds(1), 1_000_000);

        public string Name => "dht";

        public ServiceId Id => ServiceId.FromName(Name);

        public ServiceRole Role => ServiceRole.Client;

        public Key NodeId => neighbours.Self;

        public NeighbourSet Neighbours => neighbours;

        public void Reply(DeliveryToken delivery, ReadOnlyMemory<byte> payload) =>
            Replies.Add(payload.ToArray());

        public KbrStatus Route(Key destination, ReadOnlyMemory<byte> payload, RouteOptions options) =>
            throw new NotSupportedException();

        public void Request(
            Key destination,
            ReadOnlyMemory<byte> payload,
            RequestOptions options,
            Action<KbrReply> completed) => throw new NotSupportedException();

        public void Fail(DeliveryToken delivery, string error, bool isTemporary) =>
            throw new NotSupportedException();

        public void TakeReply(long token, in KbrReply reply) => throw new NotSupportedException();

        public void TakeSynced(bool isDurable)
        {
        }

        public void TakeWritten(long token, StoreOutcome outcome) => throw new NotSupportedException();

        public void TakeRead(long token, Record? record) => throw new NotSupportedException();

        public bool TryHold(Key via, int bytes) => throw new NotSupportedException();

        public void Release(Key via, int bytes) => throw new NotSupportedException();

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
