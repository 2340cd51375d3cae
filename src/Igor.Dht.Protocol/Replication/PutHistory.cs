using Igor.Dht.Protocol.Index;
using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Replication;

/// <summary>What is known of a put that meets a newer version of its key.</summary>
internal enum PutPast
{
    /// <summary>Nothing.</summary>
    Unknown,

    /// <summary>Who holds the newer version was asked.</summary>
    Asked,

    /// <summary>It was done before the newer one.</summary>
    Applied,

    /// <summary>It was not done.</summary>
    Outrun,

    /// <summary>The newer version cannot be had.</summary>
    Lost,
}

/// <summary>
/// Finds out whether a put that meets a newer version was done before it. This root knows by the version what
/// it did lately, and each record names the versions that its key had shortly before, so that another root
/// knows too.
/// </summary>
internal sealed class PutHistory(ReplicaContext context, RecordHeader header, Action told)
    : IReplyHandler, IReadHandler
{
    /// <summary>What is known.</summary>
    public PutPast Past { get; private set; }

    /// <summary>Whether a newer version says the same as an older one, by the record's type.</summary>
    public bool IsOfNoMatter { get; } = context.Options.Types.Find(header.Type)!.NewerConfirmsOlder;

    /// <summary>Whether it is a put of our days, not one that hands an old record on.</summary>
    public bool IsRecent => IsRecentAt(header.Version);

    /// <summary>The record, which names the versions before it.</summary>
    public Record Name(Record record, RecordVersion held)
    {
        if (IsOfNoMatter || !IsRecent)
        {
            return record;
        }

        IEnumerable<RecordVersion> earlier = context.Applied.LastOf(header.Key);
        if (held != RecordVersion.None && IsRecentAt(held) && !earlier.Contains(held))
        {
            earlier = earlier.Append(held);
        }

        return RecordCodec.WithEarlier(
            record,
            [.. earlier.Where(version => version != header.Version).TakeLast(AppliedVersions.NamedMax)]);
    }

    /// <summary>Asks who holds a newer version.</summary>
    public void Ask(Key holder, TimeSpan timeout)
    {
        Past = PutPast.Asked;
        if (holder == context.Membership.Self)
        {
            context.Read(this, 0, header.Key);
        }
        else
        {
            ReplicaMessages.WriteFetch(
                context.Buffer, isAsRoot: false, [new KeyVersion(header.Key, header.Version)]);
            context.Request(this, 0, holder, exact: true, timeout);
        }
    }

    /// <summary>The newer version is here.</summary>
    public void Judge(Record newer) =>
        Past = context.Applied.Contains(header.Key, header.Version)
            || RecordCodec.HasEarlier(newer, header.Version)
            ? PutPast.Applied
            : PutPast.Outrun;

    /// <inheritdoc/>
    public void HandleRead(int tag, Record? record) => Take(record);

    /// <inheritdoc/>
    public void HandleReply(int tag, in KbrReply reply)
    {
        Record? record = null;
        if (reply.Status == KbrStatus.Ok
            && Decoding.TryRead(
                reply.Payload, MessageKind.Fetched, ReplicaMessages.ReadFetched, out var entries)
            && entries is [{ Status: FetchedStatus.Record } entry])
        {
            record = RecordCodec.TryDecode(entry.Record, out _);
        }

        Take(record?.Header.Key == header.Key ? record : null);
    }

    private void Take(Record? newer)
    {
        if (newer is null)
        {
            Past = PutPast.Lost;
        }
        else
        {
            Judge(newer);
        }

        told();
    }

    private bool IsRecentAt(RecordVersion version) =>
        context.Now.UnixMs - VersionTime.UnixMsOf(version) < AppliedVersions.Retention.TotalMilliseconds;
}
