using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Machines;

/// <summary>
/// Everything that client and replica do to the world. Called while an input is handled: what follows comes
/// back as an input of its own. Who needs a payload for longer than the call holds it.
/// </summary>
internal interface IDhtOutput
{
    /// <summary>Send a request; a reply comes, at the latest when the timeout has passed.</summary>
    void Request(long token, Key destination, bool exact, PooledPayload payload, TimeSpan timeout);

    /// <summary>Answer a delivered request.</summary>
    void Reply(DeliveryToken delivery, PooledPayload payload);

    /// <summary>Store a record; its end comes once it is durable or will not be.</summary>
    void Write(long token, Record record);

    /// <summary>
    /// Store a record in the place of the version that is held, although that is newer; as
    /// <see cref="Write"/> when another one is held.
    /// </summary>
    void Replace(long token, Record record, RecordVersion held);

    /// <summary>Read the record of a key; the record comes, or that there is none.</summary>
    void Read(long token, Key key);

    /// <summary>
    /// Forget the record of a key unless it is newer than the version. Nothing waits for it.
    /// </summary>
    void Remove(Key key, RecordVersion version);

    /// <summary>
    /// Hold so many bytes more on behalf of a peer; false when they would be more than its share, or than all
    /// may hold.
    /// </summary>
    /// <param name="via">The peer that handed a request over (<see cref="KbrDelivery.Via"/>).</param>
    /// <param name="bytes">Bytes of records.</param>
    bool TryHold(Key via, int bytes);

    /// <summary>So many bytes are not held any more.</summary>
    void Release(Key via, int bytes);

    /// <summary>Append an entry to the voter's log.</summary>
    void AppendVote(ReadOnlyMemory<byte> entry);

    /// <summary>
    /// Make all durable that was appended to the voter's log; its end comes once, before which nothing else
    /// is to be synced.
    /// </summary>
    void SyncVotes();

    /// <summary>Put these entries into the place of all that the voter's log holds.</summary>
    void RewriteVotes(IReadOnlyList<ReadOnlyMemory<byte>> entries);

    /// <summary>Keep this over a restart, in the place of what the note said before.</summary>
    /// <param name="note">The name of the note; there are few.</param>
    /// <param name="content">The content, 64 KiB at most.</param>
    void Remember(string note, byte[] content);
}
