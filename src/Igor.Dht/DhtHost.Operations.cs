using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Records;

namespace Igor.Dht;

/// <content>
/// The operations of local callers. One that is cancelled before it began does nothing; one that is cancelled
/// under way ends for its caller at once, and gives free what it holds.
/// </content>
internal sealed partial class DhtHost
{
    /// <summary>Writes a record. The value is the caller's again when this returns.</summary>
    public Task<OperationResult> PutAsync(DhtPut put, CancellationToken cancellationToken)
    {
        // What is too long is refused without a look at it.
        var operation = put.Value.Length > _valueBytesMax
            ? new OpenOperation(this) { Put = put }
            : new OpenOperation(this)
            {
                Put = put with { Value = default },
                Draft = new RecordDraft(put.Value.Span),
            };
        return RunAsync(operation, cancellationToken);
    }

    /// <summary>Reads a record.</summary>
    public Task<OperationResult> GetAsync(DhtGet get, CancellationToken cancellationToken) =>
        RunAsync(new OpenOperation(this) { Get = get }, cancellationToken);

    /// <summary>Operates on a register.</summary>
    public Task<OperationResult> CallAsync(DhtRegisterCall call, CancellationToken cancellationToken) =>
        RunAsync(new OpenOperation(this) { Call = call }, cancellationToken);

    private async Task<OperationResult> RunAsync(OpenOperation operation, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _strand.Post(static state => ((OpenOperation)state).Begin(), operation);
        using CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(
            static (state, token) => ((OpenOperation)state!).Cancel(token), operation);
        return await operation.Task.ConfigureAwait(false);
    }

    /// <summary>An operation that has not ended, and whoever waits for it.</summary>
    private sealed class OpenOperation(DhtHost host)
        : TaskCompletionSource<OperationResult>(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        private long _number;

        public DhtPut? Put { get; init; }

        public RecordDraft? Draft { get; init; }

        public DhtGet? Get { get; init; }

        public DhtRegisterCall? Call { get; init; }

        /// <summary>On the strand.</summary>
        public void Begin()
        {
            if (Task.IsCompleted)
            {
                return; // cancelled before its turn came
            }

            try
            {
                _number = Put is { } put
                    ? host._driver.Put(put, End, Draft)
                    : Call is { } call ? host._driver.Call(call, End)
                    : host._driver.Get(Get!, End);
            }
            catch (Exception problem) when (problem is not OutOfMemoryException)
            {
                TrySetException(problem); // a bug, but nobody waits for ever because of it
            }
        }

        /// <summary>On any thread.</summary>
        public void Cancel(CancellationToken cancellationToken)
        {
            if (TrySetCanceled(cancellationToken))
            {
                host._strand.Post(static state => ((OpenOperation)state).Abandon(), this);
            }
        }

        private void End(OperationResult result) => TrySetResult(result);

        private void Abandon() => host._driver.Abandon(_number);
    }
}
