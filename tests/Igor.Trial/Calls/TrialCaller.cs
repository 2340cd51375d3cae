using Igor.Dht;
using Igor.Dht.Protocol;
using Igor.Dht.Protocol.Machines;
using Igor.Simulation.Checks;
using Igor.Simulation.Histories;
using Igor.Trial.Lab;

namespace Igor.Trial.Calls;

/// <summary>
/// Makes the calls of a plan through the library, at the local sockets of nodes, and notes how they end for
/// who made them.
/// </summary>
internal sealed class TrialCaller(TrialLab lab, HistoryPlan plan, Attachments attachments, EndCounts counts)
{
    private static readonly TimeSpan s_heardWithin = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(100);
    private readonly Lock _gate = new();
    private readonly RegisterCaller _registers = new(lab.Clock);
    private readonly ValueCaller _values = new(lab.Clock, plan.HasRightClocks);

    public IReadOnlyList<ValueCall> ValueCallsOn(PlannedKey key) => _values.History.CallsOn(key.Key);

    public IReadOnlyList<RegisterCall> RegisterCallsOn(PlannedKey key) => _registers.History.CallsOn(key.Key);

    /// <summary>All clients call as planned until the plan is over.</summary>
    public Task RunAsync(TimeSpan start, CancellationToken cancellation) => Task.WhenAll(
        plan.Calls.GroupBy(call => call.Client).Select(client => Task.Run(
            () => RunAsync([.. client.OrderBy(call => call.At)], start, cancellation), cancellation)));

    /// <summary>Makes a call; returns whether it ended well: done, and not marked.</summary>
    public async Task<bool> MakeAsync(PlannedCall call)
    {
        PlannedKey key = plan.Keys[call.Key];
        TrialNode node = lab.Nodes[call.Via % plan.Nodes];
        if (await attachments.FindAsync(call.Client, node) is not { } dht)
        {
            await Task.Delay(s_pause);
            return false;
        }

        Action<OperationResult?> note;
        DhtRegisterCall? request = null;
        lock (_gate)
        {
            request = key.IsRegister ? _registers.Request(key, call) : null;
            note = key.IsRegister ? _registers.Begin(key, call) : _values.Begin(key, call);
        }

        OperationResult? result = await EndAsync(dht, key, call, request);
        lock (_gate)
        {
            // A connection that broke says nothing of what went through it.
            note(result?.Failure?.Error == DhtError.Local ? null : result);
        }

        counts.Add(key, call, result);
        if (result?.Failure?.Error == DhtError.Local)
        {
            attachments.Drop(call.Client, node, dht);
            await Task.Delay(s_pause);
        }

        return CallDriver.IsWell(result);
    }

    private async Task RunAsync(PlannedCall[] calls, TimeSpan start, CancellationToken cancellation)
    {
        foreach (PlannedCall call in calls)
        {
            await lab.Clock.UntilAsync(start + call.At, cancellation);
            if (lab.Clock.Now > start + plan.Length)
            {
                return;
            }

            await MakeAsync(call);
        }
    }

    private static async Task<OperationResult?> EndAsync(
        IgorDht dht, PlannedKey key, PlannedCall call, DhtRegisterCall? request)
    {
        using var patience = new CancellationTokenSource(call.Timeout + s_heardWithin);
        try
        {
            return request is not null ? await CallAsync(dht, key, request, patience.Token)
                : ValueCaller.IsRead(call) ? await GetAsync(dht, key, call, patience.Token)
                : await PutAsync(dht, key, call, patience.Token);
        }
        catch (DhtException problem)
        {
            return new OperationResult { Failure = new DhtFailure(problem.Error, problem.Message) };
        }
        catch (OperationCanceledException)
        {
            return null; // its node stands still
        }
    }

    private static async Task<OperationResult> CallAsync(
        IgorDht dht, PlannedKey key, DhtRegisterCall request, CancellationToken cancellation)
    {
        var options = new RegisterOptions
        {
            IfAbsent = request.Precondition == RegisterPrecondition.Absent,
            IfVersion = request.Precondition == RegisterPrecondition.Version ? request.Expected : null,
            Timeout = request.Timeout,
        };
        return new OperationResult
        {
            Register = await (request.Verb switch
            {
                RegisterVerb.Get => dht.GetRegisterAsync(key.Name, options, cancellation),
                RegisterVerb.Delete => dht.DeleteRegisterAsync(key.Name, options, cancellation),
                _ => dht.PutRegisterAsync(key.Name, request.Value, options, cancellation),
            }),
        };
    }

    private static async Task<OperationResult> GetAsync(
        IgorDht dht, PlannedKey key, PlannedCall call, CancellationToken cancellation)
    {
        DhtGet get = ValueCaller.Get(key, call);
        var options = new GetOptions { Consistency = get.Consistency, Timeout = get.Timeout };
        return new OperationResult { Got = await dht.GetAsync(key.Name, options, cancellation) };
    }

    private static async Task<OperationResult> PutAsync(
        IgorDht dht, PlannedKey key, PlannedCall call, CancellationToken cancellation)
    {
        DhtPut put = ValueCaller.Put(key, call);
        var options = new PutOptions
        {
            TimeToLive = put.TimeToLive,
            Replicas = put.Replicas,
            Acks = put.Acks,
            CopiesMin = put.CopiesMin == 0 ? null : put.CopiesMin,
            Timeout = put.Timeout,
        };
        return new OperationResult
        {
            Receipt = await (put.IsDelete
                ? dht.DeleteAsync(key.Name, options, cancellation)
                : dht.PutAsync(key.Name, put.Value, options, cancellation)),
        };
    }
}
