namespace Igor.Dht.Protocol.Records;

/// <summary>
/// Keeps what a node promised as a voter, and its registers: entries in the order in which they were made,
/// since a later one may take back what an earlier one says. For one thread at a time.
/// </summary>
public interface IVoterLog : IAsyncDisposable
{
    /// <summary>
    /// Drawn at random when the log was made. One that was lost, damaged or brought back from a copy is
    /// another: it remembers none of the promises, so that its node has no vote before a view admits it.
    /// </summary>
    ulong Incarnation { get; }

    /// <summary>What keeps it from being written, for people; null for nothing.</summary>
    string? Trouble { get; }

    /// <summary>
    /// The entries that are kept, in their order; to be asked for once, before the first one.
    /// </summary>
    IReadOnlyList<ReadOnlyMemory<byte>> TakeKept();

    /// <summary>Adds an entry, which stays the caller's to read only.</summary>
    void Append(ReadOnlyMemory<byte> entry);

    /// <summary>
    /// Calls back once all that was appended until now is durable, or will not be: after a failure nothing is
    /// kept any more. On any thread; also before the call returns.
    /// </summary>
    void Sync(Action<bool> completed);

    /// <summary>
    /// Puts these entries into the place of all that were appended until now: they say the same in less room.
    /// </summary>
    void Rewrite(IReadOnlyList<ReadOnlyMemory<byte>> entries);
}
