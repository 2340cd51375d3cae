using Igor.Dht.Protocol.Index;
using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Records;
using Igor.Dht.Protocol.Ring;
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
/// knows too; one that cannot know all that others did asks the members near. A put that was made anew may
/// have been done under a former name: where that shows, it goes by that name again.
/// </summary>
internal sealed class PutHistory(
    ReplicaContext context, RecordHeader header, IReadOnlyList<RecordVersion> formerNames)
    : IReplyHandler, IReadHandler
{
    private const int NewerTag = 0;
    private const int NearTag = 1;
    private static readonly TimeSpan NearTimeoutMax = TimeSpan.FromSeconds(1);

    /// <summary>Names under which the put was done, as others say.</summary>
    private readonly List<RecordVersion> _doneAs = [];
    private RecordHeader _header = header;
    private Action? _told;
    private int _waited;
    private bool _isNewerSought;
    private bool _isDoneNow;
    private bool _hasNewer;

    /// <summary>What is known.</summary>
    public PutPast Past { get; private set; }

    /// <summary>Whether the members near were asked.</summary>
    public bool IsNearAsked { get; private set; }

    /// <summary>The newest version that others have, as far as they were asked.</summary>
    public RecordVersion Newest { get; private set; }

    /// <summary>Whether a newer version says the same as an older one, by the record's type.</summary>
    public bool IsOfNoMatter { get; } = context.Options.Types.Find(header.Type)!.NewerConfirmsOlder;

    /// <summary>Whether it is a put of our days, not one that hands an old record on.</summary>
    public bool IsRecent => IsRecentAt(_header.Version);

    /// <summary>
    /// Whether the put may have been done under a former name, so that what is here is to be looked at first.
    /// </summary>
    public bool HasFormerNames => !IsOfNoMatter && formerNames.Count > 0;

    /// <summary>
    /// The record under the name by which it was done before, if it was; else as it is.
    /// </summary>
    /// <param name="record">What is to be written.</param>
    /// <param name="held">What is here.</param>
    public Record Recall(Record record, Record? held)
    {
        if (!HasFormerNames || IsDoneAs(_header.Version, held))
        {
            return record; // which may name the former names itself
        }

        foreach (RecordVersion name in formerNames.Reverse())
        {
            if (IsDoneAs(name, held)
                && context.Judge.TimeOf(_header with { Version = name }, context.Now.UnixMs) is null
                && RecordCodec.WithVersion(record, name) is { } done)
            {
                _header = done.Header;
                return done;
            }
        }

        return record;
    }

    /// <summary>The record, which names the versions before it, and its own former names.</summary>
    public Record Name(Record record, RecordVersion held)
    {
        if (IsOfNoMatter || !IsRecent)
        {
            return record;
        }

        IEnumerable<RecordVersion> earlier = context.Applied.LastOf(_header.Key);
        if (held != RecordVersion.None && IsRecentAt(held) && !earlier.Contains(held))
        {
            earlier = earlier.Append(held);
        }

        return RecordCodec.WithEarlier(
            record,
            [
                .. earlier.Where(version => version != _header.Version).TakeLast(AppliedVersions.NamedMax),
                .. formerNames.Where(name => name != _header.Version),
            ]);
    }

    /// <summary>Asks the members near, before what is here is judged.</summary>
    public void AskNear(TimeSpan timeout, Action told)
    {
        if (!Ask(null, isNearAsked: true, timeout, told))
        {
            told();
        }
    }

    /// <summary>
    /// Asks who holds a newer version, and the members near where that is not enough; false when it is known
    /// at once, and nothing is told.
    /// </summary>
    public bool Ask(Key? holder, bool isNearAsked, TimeSpan timeout, Action told)
    {
        Past = PutPast.Asked;
        _told = null;
        _waited = 1;
        _isNewerSought = holder is not null;
        ulong oldest = formerNames.Append(_header.Version).Min(name => name.Clock);
        var sought = new KeyVersion(_header.Key, new RecordVersion(Math.Max(1, oldest) - 1, 0));
        ReplicaMessages.WriteFetch(context.Buffer, isAsRoot: false, [sought]);
        if (isNearAsked && !IsNearAsked)
        {
            IsNearAsked = true;
            Span<Key> near = stackalloc Key[Neighbourhood.Members];
            near = near[..context.Membership.Alive.Nearest(_header.Key, near)];
            foreach (Key id in near)
            {
                if (id != context.Membership.Self && id != holder)
                {
                    _waited++;
                    context.Request(
                        this, NearTag, id, exact: true, timeout < NearTimeoutMax ? timeout : NearTimeoutMax);
                }
            }
        }

        if (holder == context.Membership.Self)
        {
            _waited++;
            context.Read(this, NewerTag, _header.Key);
        }
        else if (holder is { } other)
        {
            _waited++;
            context.Request(this, NewerTag, other, exact: true, timeout);
        }

        Take(NearTag, null);
        _told = told;
        return Past == PutPast.Asked;
    }

    /// <summary>
    /// This root has the record. That is no proof that it was there before what is newer; where that one does
    /// not name it, it is not remembered as done.
    /// </summary>
    public void NoteDone()
    {
        _isDoneNow |= !context.Applied.Contains(_header.Key, _header.Version);
        if (Past != PutPast.Outrun)
        {
            context.Applied.Add(_header.Key, _header.Version, context.Now.Monotonic);
        }
    }

    /// <summary>A majority has the record itself: it is done, whatever else is found.</summary>
    public void NoteOnMajority()
    {
        _isDoneNow = false;
        context.Applied.Add(_header.Key, _header.Version, context.Now.Monotonic);
    }

    /// <summary>The newer version is here.</summary>
    public void Judge(Record newer) =>
        Past = IsDoneAs(_header.Version, newer) ? PutPast.Applied : PutPast.Outrun;

    /// <inheritdoc/>
    public void HandleRead(int tag, Record? record) => Take(tag, record);

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

        Take(tag, record?.Header.Key == _header.Key ? record : null);
    }

    private void Take(int tag, Record? held)
    {
        _waited--;
        if (Past != PutPast.Asked)
        {
            return; // enough was heard before
        }

        _hasNewer |= tag == NewerTag && held is not null;
        Note(held);
        _doneAs.AddRange(formerNames.Append(_header.Version).Where(name => IsDoneAs(name, held)));
        if (_doneAs.Count > 0 || _waited == 0)
        {
            Past = _doneAs.Contains(_header.Version) ? PutPast.Applied
                : _hasNewer ? PutPast.Outrun
                : _isNewerSought ? PutPast.Lost
                : _doneAs.Count == 0 && Newest > _header.Version ? PutPast.Outrun
                : PutPast.Unknown;
            if (_isDoneNow && Past == PutPast.Outrun)
            {
                context.Applied.Remove(_header.Key, _header.Version);
            }

            _told?.Invoke();
        }
    }

    // One that no writer can have made would end all writes of the key.
    private void Note(Record? held)
    {
        if (held is not null && held.Header.Version > Newest
            && context.Judge.TimeOf(held.Header, context.Now.UnixMs) is null)
        {
            Newest = held.Header.Version;
        }
    }

    // What this round itself wrote, here or there, says nothing of the time before.
    private bool IsDoneAs(RecordVersion name, Record? held)
    {
        bool isOurs = name == _header.Version;
        return _doneAs.Contains(name)
            || (context.Applied.Contains(_header.Key, name) && !(isOurs && _isDoneNow))
            || (held?.Header.Version == name && !(isOurs && _isNewerSought))
            || (held is not null && RecordCodec.HasEarlier(held, name));
    }

    private bool IsRecentAt(RecordVersion version) =>
        context.Now.UnixMs - VersionTime.UnixMsOf(version) < AppliedVersions.Retention.TotalMilliseconds;
}
