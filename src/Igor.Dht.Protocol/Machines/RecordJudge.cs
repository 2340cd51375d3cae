using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Records;

namespace Igor.Dht.Protocol.Machines;

/// <summary>What is wrong with a record, and for people.</summary>
internal readonly record struct RecordFault(RefusalReason Reason, string Text);

/// <summary>
/// Says whether a record may be taken: whoever sends it, and on whatever way it comes (a put, a replica's
/// store or answer, repair). One place, so that no way in is easier than another.
/// </summary>
internal sealed class RecordJudge(DhtNodeOptions options)
{
    private long AheadMsMax => (long)options.VersionAheadMax.TotalMilliseconds;

    /// <summary>
    /// What is wrong with a record that is to be stored at a time; null when nothing is.
    /// </summary>
    public RecordFault? FaultOf(Record record, long nowUnixMs) =>
        FormOf(record) ?? TimeOf(record.Header, nowUnixMs);

    /// <summary>
    /// What is wrong with a record at any time. A reader, who stores nothing, asks no more: its own clock
    /// shall not keep it from what the replicas have judged.
    /// </summary>
    public RecordFault? FormOf(Record record)
    {
        RecordHeader header = record.Header;
        if (options.Types.Find(header.Type) is not { } type)
        {
            return new RecordFault(
                RefusalReason.Type, $"the record type '{header.Type}' is not known here");
        }

        if (header.ValueLength > options.ValueBytesMax)
        {
            return new RecordFault(
                RefusalReason.Size,
                $"the value has {header.ValueLength} bytes; {options.ValueBytesMax} are allowed");
        }

        if (type.Refusal(record) is not { } text)
        {
            return null;
        }

        bool isForbidden = header.IsTombstone && !type.IsDeletable;
        return new RecordFault(isForbidden ? RefusalReason.Permission : RefusalReason.Type, text);
    }

    /// <summary>
    /// What a record claims that no writer can have done by a time; null when nothing is. One that lay in the
    /// future for good could never be replaced.
    /// </summary>
    public RecordFault? TimeOf(RecordHeader header, long nowUnixMs) =>
        options.Types.Find(header.Type)?.RefusalAt(header, nowUnixMs + AheadMsMax) is { } text
            ? new RecordFault(RefusalReason.Version, text)
            : null;
}
