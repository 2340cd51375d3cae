using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht;

/// <content>What the node does to the world.</content>
internal sealed partial class DhtHost : IDhtOutput
{
    /// <inheritdoc/>
    void IDhtOutput.Request(
        long token, Key destination, bool exact, ReadOnlyMemory<byte> payload, TimeSpan timeout) =>
        _service!.Request(
            destination, payload, new RequestOptions(timeout, exact), new Waiting(this, token).End);

    /// <inheritdoc/>
    void IDhtOutput.Reply(DeliveryToken delivery, ReadOnlyMemory<byte> payload) =>
        _service!.Reply(delivery, payload);

    /// <inheritdoc/>
    void IDhtOutput.Write(long token, Record record) => _store!.Write(record, new Waiting(this, token).End);

    /// <inheritdoc/>
    void IDhtOutput.Replace(long token, Record record, RecordVersion held) =>
        _store!.Replace(record, held, new Waiting(this, token).End);

    /// <inheritdoc/>
    void IDhtOutput.Read(long token, Key key) => _store!.Read(key, new Waiting(this, token).End);

    /// <inheritdoc/>
    void IDhtOutput.Remove(Key key, RecordVersion version) => _store!.Remove(key, version, static _ => { });

    /// <inheritdoc/>
    bool IDhtOutput.TryHold(Key via, int bytes) => _bytes.TryTake(via, bytes);

    /// <inheritdoc/>
    void IDhtOutput.Release(Key via, int bytes) => _bytes.Return(via, bytes);

    /// <inheritdoc/>
    void IDhtOutput.Complete(long command, CommandResult result)
    {
        if (_commands.Remove(command, out OpenCommand? open))
        {
            open.TrySetResult(result);
        }
    }

    /// <inheritdoc/>
    void IDhtOutput.Remember(string note, byte[] content) => _store!.WriteNote(note, content);

    /// <summary>Whoever waits for the end of what went out.</summary>
    private sealed class Waiting(DhtHost host, long token)
    {
        public void End(KbrReply reply)
        {
            int bytes = reply.Payload.Length;
            if (bytes > Upcall.SmallBytes && !host._bytes.TryTake(host._self, bytes))
            {
                reply = KbrReply.Failed(KbrStatus.Overloaded);
            }

            host._strand.Post(RunUpcall, Upcall.Of(host, token, reply));
        }

        public void End(Record? record) => host._strand.Post(RunUpcall, Upcall.Of(host, token, record));

        public void End(StoreOutcome outcome)
        {
            host._written.Enqueue((token, outcome));
            if (Interlocked.Exchange(ref host._isTakingWritten, 1) == 0)
            {
                ThreadPool.UnsafeQueueUserWorkItem(host, preferLocal: false);
            }
        }
    }
}
