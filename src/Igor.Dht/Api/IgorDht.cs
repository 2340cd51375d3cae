using Igor.Kbr;

namespace Igor.Dht;

/// <summary>
/// A distributed hash table: records that live on several nodes of a network and are found from any of them. All
/// members are thread-safe.
/// </summary>
public sealed class IgorDht : IAsyncDisposable
{
    private IgorDht() => NodeId = Key.Zero;

    /// <summary>The id of the node that this process is or is attached to.</summary>
    public Key NodeId { get; }

    /// <summary>
    /// Attaches to the local daemon, or, where none runs, runs an embedded node. Completes when operations can be
    /// started (a member may still be joining).
    /// </summary>
    /// <exception cref="DhtException">Local trouble: the folder, the port or the socket cannot be used.</exception>
    /// <exception cref="ArgumentException">An option has a value out of its range.</exception>
    public static Task<IgorDht> OpenAsync(
        IgorDhtOptions? options = null, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    /// <summary>Writes the `value` record of a name; the last writer wins.</summary>
    /// <exception cref="DhtException">It was not written as asked.</exception>
    public Task<PutReceipt> PutAsync(
        string name,
        ReadOnlyMemory<byte> value,
        PutOptions? options = null,
        CancellationToken cancellationToken = default) => throw new NotSupportedException(NodeId.ToString());

    /// <summary>Reads the `value` record of a name.</summary>
    /// <exception cref="DhtException">Refused, or local trouble. That a record is not there is a result.</exception>
    public Task<GetResult> GetAsync(
        string name, GetOptions? options = null, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException(NodeId.ToString());

    /// <summary>Deletes the `value` record of a name (whether or not there is one).</summary>
    /// <exception cref="DhtException">It was not written as asked.</exception>
    public Task<PutReceipt> DeleteAsync(
        string name, PutOptions? options = null, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException(NodeId.ToString());

    /// <summary>Writes an `immutable` record; its key is the hash of its content.</summary>
    /// <exception cref="DhtException">It was not written as asked.</exception>
    public Task<PutReceipt> PutImmutableAsync(
        ReadOnlyMemory<byte> value, PutOptions? options = null, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException(NodeId.ToString());

    /// <summary>Reads an `immutable` record; the value is checked against the key.</summary>
    /// <exception cref="DhtException">Refused, or local trouble. That a record is not there is a result.</exception>
    public Task<GetResult> GetImmutableAsync(
        Key key, GetOptions? options = null, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException(NodeId.ToString());

    /// <summary>A look at the DHT from here.</summary>
    public Task<DhtStatus> StatusAsync(CancellationToken cancellationToken = default) =>
        throw new NotSupportedException(NodeId.ToString());

    /// <summary>Leaves the network gracefully and closes the store.</summary>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
