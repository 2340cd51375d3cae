using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Operations;
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
        var output = new AskedOutput();
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
            context.HandleReply(output.Token, new KbrReply(KbrStatus.Ok, s_self, answer));
            context.Now = new DhtTime(context.Now.Monotonic + TimeSpan.FromSeconds(0.5), 0);
            client.HandleDeadline();
        }

        Assert.Equal(expected, result.Failure!.Error);
    }
}
