using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;
using Igor.Node.Memory;
using MessagePack;
using Microsoft.Extensions.Logging.Abstractions;

namespace Igor.Dht.Tests;

/// <summary>A host whose service is the test.</summary>
public sealed class DhtHostTests : IKbrService
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly List<byte[]> _requests = [];
    private readonly List<Action<KbrReply>> _ends = [];
    private readonly ByteBudget _bytes = new(64 << 20);

    string IKbrService.Name => "dht";

    ServiceId IKbrService.Id => ServiceId.FromName("dht");

    ServiceRole IKbrService.Role => ServiceRole.Client;

    Key IKbrService.NodeId => Key.Zero;

    NeighbourSet IKbrService.Neighbours => NeighbourSet.Alone(Key.Zero, isMember: false);

    [Fact]
    public async Task Buffer_of_a_put_is_the_callers_again_before_the_put_has_its_turn()
    {
        using var busy = new ManualResetEventSlim();
        using var isBusy = new ManualResetEventSlim();
        using DhtHost host = await StartAsync(() =>
        {
            isBusy.Set();
            busy.Wait();
            return default;
        });
        Task<OperationResult> first = Task.Run(() => host.GetAsync(GetOf(Key.Max), CancellationToken.None));
        isBusy.Wait(); // the get has its turn, and the put has to wait for its own

        byte[] value = [1, 2, 3];
        using var cancel = new CancellationTokenSource();
        Task<OperationResult> kept = host.PutAsync(PutOf(value), CancellationToken.None);
        Task<OperationResult> cancelled = host.PutAsync(PutOf(value), cancel.Token);
        await cancel.CancelAsync();
        Array.Fill(value, (byte)0xDB);
        busy.Set();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled.WaitAsync(Patience));
        await host.StatusAsync(); // behind all of them
        Assert.Equal(2, _requests.Count);
        Record sent = RecordCodec.TryDecode(RecordIn(_requests[1]), out _)!;
        Assert.Equal([1, 2, 3], RecordCodec.ValueOf(sent).ToArray());
        _ends.ForEach(end => end(KbrReply.Failed(KbrStatus.TooLarge)));
        Assert.NotNull((await kept.WaitAsync(Patience)).Failure);
        await first.WaitAsync(Patience);
    }

    [Fact]
    public async Task Large_answer_to_a_get_that_nobody_waits_for_is_not_held()
    {
        using DhtHost host = await StartAsync(() => default);
        using var cancel = new CancellationTokenSource();
        Task<OperationResult> get = host.GetAsync(GetOf(Key.Max), cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => get.WaitAsync(Patience));

        _ends[0](new KbrReply(KbrStatus.Ok, Key.Max, new byte[1024 * 1024]));
        await host.StatusAsync();
        Assert.Equal(0, _bytes.Total);
    }

    void IKbrService.Request(
        Key destination, ReadOnlyMemory<byte> payload, RequestOptions options, Action<KbrReply> completed)
    {
        _requests.Add(payload.ToArray());
        _ends.Add(completed);
    }

    KbrStatus IKbrService.Route(Key destination, ReadOnlyMemory<byte> payload, RouteOptions options) =>
        KbrStatus.Unreachable;

    void IKbrService.Reply(DeliveryToken delivery, ReadOnlyMemory<byte> payload)
    {
    }

    void IKbrService.Fail(DeliveryToken delivery, string error, bool isTemporary)
    {
    }

    ValueTask IAsyncDisposable.DisposeAsync() => ValueTask.CompletedTask;

    private static DhtGet GetOf(Key key) => new()
    {
        Key = key,
        Type = ValueRecordType.TypeName,
        Timeout = TimeSpan.FromMinutes(10),
    };

    private static DhtPut PutOf(byte[] value) => new()
    {
        Key = Key.Max,
        Type = ValueRecordType.TypeName,
        Value = value,
        Timeout = TimeSpan.FromMinutes(10),
    };

    /// <summary>The record in a Put: its third field.</summary>
    private static ReadOnlyMemory<byte> RecordIn(byte[] put)
    {
        var reader = new MessagePackReader(put);
        reader.ReadArrayHeader();
        reader.Skip();
        reader.Skip();
        reader.Skip();
        return reader.ReadBytes()!.Value.First;
    }

    private async Task<DhtHost> StartAsync(Func<NetworkTime> time)
    {
        bool isAttached = false;
        var host = new DhtHost(
            Key.Zero,
            new DhtNodeOptions(),
            store: null,
            _bytes,
            () => isAttached ? time() : default,
            NullLogger.Instance);
        await host.StartAsync();
        await host.AttachAsync(this);
        isAttached = true;
        return host;
    }
}
