using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Hosting;

/// <content>What client and replica do to the world. A replica has a store.</content>
public sealed partial class DhtDriver : IDhtOutput
{
    /// <inheritdoc/>
    void IDhtOutput.Request(
        long token, Key destination, bool exact, PooledPayload payload, TimeSpan timeout) =>
        _service!.RequestPooled(
            destination, payload, new RequestOptions(timeout, exact), new Waiting(_host, token).End);

    /// <inheritdoc/>
    void IDhtOutput.Reply(DeliveryToken delivery, PooledPayload payload) =>
        _service!.ReplyPooled(delivery, payload);

    /// <inheritdoc/>
    void IDhtOutput.Write(long token, Record record) => _store!.Write(record, new Waiting(_host, token).End);

    /// <inheritdoc/>
    void IDhtOutput.Replace(long token, Record record, RecordVersion held) =>
        _store!.Replace(record, held, new Waiting(_host, token).End);

    /// <inheritdoc/>
    void IDhtOutput.Read(long token, Key key)
    {
        if (_store!.TryReadAtOnce(key, out Record? record))
        {
            _readAtOnce.Enqueue((token, record));
        }
        else
        {
            _store.Read(key, new Waiting(_host, token).End);
        }
    }

    /// <inheritdoc/>
    void IDhtOutput.Remove(Key key, RecordVersion version) => _store!.Remove(key, version, static _ => { });

    /// <inheritdoc/>
    bool IDhtOutput.TryHold(Key via, int bytes) => _host.TryHold(via, bytes);

    /// <inheritdoc/>
    void IDhtOutput.Release(Key via, int bytes) => _host.Release(via, bytes);

    /// <inheritdoc/>
    void IDhtOutput.AppendVote(ReadOnlyMemory<byte> entry) => _voterLog!.Append(entry);

    /// <inheritdoc/>
    void IDhtOutput.SyncVotes() => _voterLog!.Sync(_host.TakeSynced);

    /// <inheritdoc/>
    void IDhtOutput.RewriteVotes(IReadOnlyList<ReadOnlyMemory<byte>> entries) => _voterLog!.Rewrite(entries);

    /// <inheritdoc/>
    void IDhtOutput.Remember(string note, byte[] content) => _store!.WriteNote(note, content);

    /// <summary>Whoever waits for the end of what went out.</summary>
    private sealed class Waiting(IDhtHost host, long token)
    {
        public void End(KbrReply reply) => host.TakeReply(token, reply);

        public void End(Record? record) => host.TakeRead(token, record);

        public void End(StoreOutcome outcome) => host.TakeWritten(token, outcome);
    }
}
