using Igor.Dht.Protocol.Hosting;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Machines;

/// <summary>
/// Everything that a <see cref="DhtNode"/> does to the world. Called while an input is handled; the host must
/// not call back into the node from here, but queue what follows. Payloads are valid during the call only.
/// </summary>
public interface IDhtOutput
{
    /// <summary>
    /// Send a request; ends in <see cref="DhtNode.HandleReply"/>, at the latest when the timeout has passed.
    /// </summary>
    void Request(long token, Key destination, bool exact, ReadOnlyMemory<byte> payload, TimeSpan timeout);

    /// <summary>Answer a delivered request.</summary>
    void Reply(DeliveryToken delivery, ReadOnlyMemory<byte> payload);

    /// <summary>
    /// Store a record; ends in <see cref="DhtNode.HandleWritten"/> once it is durable or will not be.
    /// </summary>
    void Write(long token, Record record);

    /// <summary>
    /// Store a record in the place of the version that is held, although that is newer; as
    /// <see cref="Write"/> when another one is held.
    /// </summary>
    void Replace(long token, Record record, RecordVersion held);

    /// <summary>Read the record of a key; ends in <see cref="DhtNode.HandleRead"/>.</summary>
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

    /// <summary>A command ended.</summary>
    void Complete(long command, CommandResult result);

    /// <summary>
    /// Keep this over a restart (see <see cref="DhtNode.Start"/>), in the place of what the note said before.
    /// </summary>
    /// <param name="note">The name of the note; there are few.</param>
    /// <param name="content">The content, 64 KiB at most.</param>
    void Remember(string note, byte[] content);
}
