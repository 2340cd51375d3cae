using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Operations;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Tests.Operations;

/// <summary>What a client asks for again.</summary>
public class PutOperationTests
{
    private const long NowUnixMs = DhtCluster.EpochUnixMs;

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    public void Record_that_is_made_anew_names_what_it_was_before(bool isRefusedForTime, bool isDelete)
    {
        var output = new AskedOutput();
        var context = new DhtContext(Key.Zero, DhtNodeOptions.Default, output, 1)
        {
            Now = new DhtTime(TimeSpan.Zero, NowUnixMs, IsTrusted: false),
        };
        var client = new DhtClient(context);
        var put = new DhtPut
        {
            Key = Key.Max,
            Type = ValueRecordType.TypeName,
            IsDelete = isDelete,
            Timeout = TimeSpan.FromSeconds(30),
        };
        client.Put(put, draft: null, _ => { });
        var names = new List<RecordVersion>();
        for (int anew = 0; anew <= (isRefusedForTime ? 3 : PutMessage.FormerNamesMax + 1); anew++)
        {
            Assert.True(Decoding.TryRead(
                output.Payload, MessageKind.Put, PutMessage.Read, out PutMessage asked));
            Assert.Equal(names.TakeLast(PutMessage.FormerNamesMax), asked.FormerNames);
            RecordVersion name = RecordCodec.TryDecode(asked.Record, out _)!.Header.Version;
            Assert.DoesNotContain(name, names);
            names.Add(name);
            Answer(context, output.Token, isRefusedForTime, name);
            context.Now = context.Now with { Monotonic = context.Now.Monotonic + TimeSpan.FromSeconds(1) };
            client.HandleDeadline();
        }
    }

    private static void Answer(DhtContext context, long token, bool isRefusedForTime, RecordVersion name)
    {
        var buffer = new PayloadBuffer();
        if (isRefusedForTime)
        {
            long toldMs = NowUnixMs - (long)context.Now.Monotonic.TotalMilliseconds - 1000;
            CommonMessages.WriteRefused(buffer, RefusalReason.Version, "too far ahead", toldMs);
        }
        else
        {
            CommonMessages.WriteConflict(buffer, name with { Clock = name.Clock + 1 });
        }

        context.HandleReply(token, new KbrReply(KbrStatus.Ok, Key.Max, buffer.Written.ToArray()));
    }
}
