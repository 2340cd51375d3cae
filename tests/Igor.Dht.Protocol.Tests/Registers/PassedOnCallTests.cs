using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Records;
using Igor.Dht.Protocol.Registers;
using Igor.Dht.Protocol.Views;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Tests.Registers;

/// <summary>
/// A call that reaches who is not the coordinator, and comes there again before it has its answer.
/// </summary>
public class PassedOnCallTests
{
    private static readonly Key s_key = DhtKey.ForRegister("a");
    private readonly DhtCluster _cluster = Registers.Founded(3);
    private readonly List<byte[]> _answers = [];

    [Fact]
    public void Copies_of_a_call_have_the_answer_of_the_first()
    {
        for (int copy = 0; copy < 3; copy++)
        {
            Call(Write);
            _cluster.Run(0.0001); // less than the way to the coordinator
        }

        Assert.Empty(_answers);
        _cluster.RunUntil(() => _answers.Count == 3);
        RegisterAnswered[] answered = [.. _answers.Select(Read)];
        Assert.All(answered, answer => Assert.Equal(RegisterOutcome.Applied, answer.Outcome));
        Assert.Single(answered.Select(answer => answer.Stamp).Distinct());
        Assert.Equal(answered[0].Stamp, _cluster.ReadRegister("a").Version);
    }

    [Fact]
    public void Copies_of_a_call_that_nobody_answers_are_in_doubt()
    {
        _cluster.Cut(Coordinator.Id, Other.Id);
        Call(Write);
        Call(Write);
        _cluster.RunUntil(() => _answers.Count == 2);
        Assert.All(_answers, answer => Assert.Equal(MessageKind.RegisterInDoubt, KindOf(answer)));
    }

    [Fact]
    public void Call_that_went_in_a_circle_is_in_doubt_at_once()
    {
        Call(Write);
        Call(Write, RegisterMessages.HopsMax - 1);
        Assert.Equal(MessageKind.RegisterInDoubt, KindOf(Assert.Single(_answers)));
    }

    [Fact]
    public void Call_that_was_begun_anew_does_not_have_the_answer_of_what_it_was_before()
    {
        RegisterOperation first = Write with { Condition = new RegisterCondition(null) };
        Call(first);
        Call(first with { Reign = new Ballot(99, Coordinator.Dht.Registers!.Server.Self) });
        Assert.Equal(MessageKind.RegisterInDoubt, KindOf(Assert.Single(_answers)));
    }

    private static RegisterOperation Write => new()
    {
        Id = new OperationId(1, 1),
        StartedAtUnixMs = DhtCluster.EpochUnixMs,
        Key = s_key,
        Value = "1"u8.ToArray(),
    };

    private static Key Anchor => RegisterCells.AnchorOf(RegisterCells.Of(s_key));

    private DhtClusterNode Coordinator => _cluster.NearestTo(Anchor)[0];

    private DhtClusterNode Other => _cluster.NearestTo(Anchor)[1];

    private void Call(RegisterOperation operation, int hops = RegisterMessages.HopsMax)
    {
        var buffer = new PayloadBuffer();
        RegisterMessages.Write(buffer, new CallRegister(operation, TimeSpan.FromSeconds(2), hops));
        Other.Deliver(Anchor, Key.HashOf("a client"), buffer.Written.ToArray(), _answers.Add);
    }

    private static MessageKind KindOf(byte[] answer)
    {
        Assert.True(Decoding.TryReadKind(answer, out MessageKind kind, out _));
        return kind;
    }

    private static RegisterAnswered Read(byte[] answer)
    {
        Assert.True(Decoding.TryRead(
            answer,
            MessageKind.RegisterAnswered,
            RegisterMessages.ReadRegisterAnswered,
            out RegisterAnswered answered));
        return answered;
    }
}
