using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Tests.Harness;

/// <summary>The way out of a client alone, which does nothing but ask.</summary>
internal sealed class AskedOutput : IDhtOutput
{
    /// <summary>The token of the last request.</summary>
    public long Token { get; private set; }

    /// <summary>The last request.</summary>
    public byte[] Payload { get; private set; } = [];

    public void Request(long token, Key destination, bool exact, PooledPayload payload, TimeSpan timeout) =>
        (Token, Payload) = (token, payload.Memory.ToArray());

    public void Reply(DeliveryToken delivery, PooledPayload payload) => throw new NotSupportedException();

    public void Write(long token, Record record) => throw new NotSupportedException();

    public void Replace(long token, Record record, RecordVersion held) => throw new NotSupportedException();

    public void Read(long token, Key key) => throw new NotSupportedException();

    public void Remove(Key key, RecordVersion version) => throw new NotSupportedException();

    public bool TryHold(Key via, int bytes) => throw new NotSupportedException();

    public void Release(Key via, int bytes) => throw new NotSupportedException();

    public void AppendVote(ReadOnlyMemory<byte> entry) => throw new NotSupportedException();

    public void SyncVotes() => throw new NotSupportedException();

    public void RewriteVotes(IReadOnlyList<ReadOnlyMemory<byte>> entries) =>
        throw new NotSupportedException();

    public void Remember(string note, byte[] content) => throw new NotSupportedException();
}
