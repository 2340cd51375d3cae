namespace Igor.Dht.Protocol.Records;

/// <summary>
/// A record: its header, and the bytes that it was encoded to by whoever wrote it first. Replicas, segments
/// and readers pass those bytes on unchanged, so that nothing that a newer version added to them is lost.
/// </summary>
/// <param name="Header">Everything about it but its value.</param>
/// <param name="Encoded">
/// The whole record as encoded by <see cref="RecordCodec"/>. Owned by the record: never a pooled or reused
/// buffer.
/// </param>
public sealed record Record(RecordHeader Header, ReadOnlyMemory<byte> Encoded);
