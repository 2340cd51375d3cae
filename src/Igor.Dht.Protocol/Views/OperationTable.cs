namespace Igor.Dht.Protocol.Views;

/// <summary>
/// What became of operations lately, so that one which comes again (tried again by its client, or delivered
/// twice) is not done again. The last ones that were applied are known from the register too; what was
/// refused is known here alone.
/// </summary>
/// <param name="ballot">The coordinator's.</param>
internal sealed class OperationTable(Ballot ballot)
{
    /// <summary>How long outcomes are remembered; operations live shorter.</summary>
    public const long RetentionMs = 60_000;

    /// <summary>How far the clocks of a client and of coordinators may be apart.</summary>
    public const long ClockDoubtMs = 10_000;

    private const int OutcomesMax = 65_536;
    private readonly Dictionary<OperationId, RegisterAnswer> _outcomes = [];
    private readonly Queue<(OperationId Id, long AtUnixMs)> _order = [];
    private long _forgottenUntilUnixMs = long.MinValue;

    /// <summary>
    /// The answer to an operation that need not, or must not, be done; null for one that was certainly not
    /// done.
    /// </summary>
    /// <param name="operation">The operation.</param>
    /// <param name="held">The register as it is committed.</param>
    public RegisterAnswer? Judge(RegisterOperation operation, Register? held)
    {
        if (_outcomes.TryGetValue(operation.Id, out RegisterAnswer? known))
        {
            return known;
        }

        foreach (AppliedOperation applied in held?.Applied ?? [])
        {
            if (applied.Id == operation.Id)
            {
                return RegisterAnswer.Applied(applied.Version);
            }
        }

        if (operation.Reign > ballot)
        {
            return RegisterAnswer.NotServed;
        }

        long startedAt = operation.StartedAtUnixMs - ClockDoubtMs;
        if (startedAt < _forgottenUntilUnixMs)
        {
            return RegisterAnswer.Unknown;
        }

        return operation.Reign == ballot ? null : JudgeForeign(operation, held, startedAt);
    }

    /// <summary>An operation ended so.</summary>
    public void Add(OperationId id, RegisterAnswer answer, long unixMs)
    {
        if (_outcomes.TryAdd(id, answer))
        {
            _order.Enqueue((id, unixMs));
        }

        while (_order.TryPeek(out (OperationId Id, long AtUnixMs) oldest)
            && (_order.Count > OutcomesMax || oldest.AtUnixMs < unixMs - RetentionMs))
        {
            _order.Dequeue();
            _outcomes.Remove(oldest.Id);
            _forgottenUntilUnixMs = Math.Max(_forgottenUntilUnixMs, oldest.AtUnixMs + 1);
        }
    }

    // An earlier coordinator may have had it. If that did it, the register says so, unless more followed than
    // it remembers. One with a condition may also have been told that this did not hold, so that a late copy
    // must not be done: a client that still waits begins anew under this coordinator. One that did not say
    // under whom it began was done by nobody.
    private static RegisterAnswer? JudgeForeign(RegisterOperation operation, Register? held, long startedAt)
    {
        if (operation.Condition is not null && operation.Reign == Ballot.None)
        {
            return RegisterAnswer.NotServed;
        }

        bool mayHaveWrapped = held is { Applied.Length: >= Register.AppliedMax }
            && held.Applied[0].AtUnixMs >= startedAt - ClockDoubtMs;
        return mayHaveWrapped ? RegisterAnswer.Unknown
            : operation.Condition is not null ? RegisterAnswer.NotServed
            : null;
    }
}
