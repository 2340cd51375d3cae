using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Operations;
using Igor.Dht.Protocol.Records;
using Igor.Dht.Protocol.Registers;
using Igor.Dht.Protocol.Views;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Tests.Registers;

/// <summary>What a client may say of a write in the end.</summary>
public class RegisterRequestTests
{
    private static readonly Key s_self = Key.Zero;

    // That another node was asked first does not show in the answer.
    [Theory]
    [InlineData(true, DhtError.Unreachable)]
    [InlineData(false, DhtError.Unknown)]
    public void Write_that_is_not_served_here_is_undone_for_sure_only_if_it_was_for_here(
        bool isForHere, DhtError expected)
    {
        var output = new Output();
        var context = new DhtContext(s_self, DhtNodeOptions.Default, output, 1);
        Key other = Key.PowerOfTwo(255);
        context.Membership.HandleUpdate(
            TimeSpan.Zero,
            new NeighbourChange(new NeighbourSet(s_self, isMember: true, [other], [other], 1), [], []));
        var client = new DhtClient(context);
        OperationResult? result = null;
        var call = new DhtRegisterCall
        {
            Key = isForHere ? s_self : other,
            Verb = RegisterVerb.Put,
            Value = new byte[] { 1 },
            Timeout = TimeSpan.FromSeconds(1),
        };
        client.Call(call, end => result = end);

        RegisterMessages.Write(
            context.Buffer,
            new RegisterAnswered(RegisterOutcome.NotServed, default, null, Ballot.None, 0, false, "nobody"));
        byte[] answer = context.Buffer.Written.ToArray();
        while (result is null)
        {
            context.HandleReply(output.Asked, new KbrReply(KbrStatus.Ok, s_self, answer));
            context.Now = new DhtTime(context.Now.Monotonic + TimeSpan.FromSeconds(0.5), 0);
            client.HandleDeadline();
        }

        Assert.Equal(expected, result.Failure!.Error);
    }

    private sealed class Output : IDhtOutput
    {
        public long Asked { get; private set; }

        public void Request(
            long token, Key destination, bool exact, PooledPayload payload, TimeSpan timeout) =>
            Asked = token;

        public void Reply(DeliveryToken delivery, PooledPayload payload) => throw new NotSupportedException();

        public void Write(long token, Record record) => throw new NotSupportedException();

        public void Replace(long token, Record record, RecordVersion held) =>
            throw new NotSupportedException();

        public void Read(long token, Key key) => throw new NotSupportedException();

        public void Remove(Key key, RecordVersion version) => throw new NotSupportedException();

        public bool TryHold(Key via, int bytes) => throw new NotSupportedException();

        public void Release(Key via, int bytes) => throw new NotSupportedException();

        public void AppendVote(ReadOnlyMemory<byte> entry) => throw new NotSupportedException();

        public void SyncVotes() => throw new NotSupportedException();

        public void RewriteVotes(IReadOnlyList<ReadOnlyMemory<byte>> entries) =>
            throw new NotSupportedException();

        public void Remember(string note, byte[] content) => throw new NotSupportedException();
    }
}
