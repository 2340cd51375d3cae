using Igor.Dht.Protocol.Index;
using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Records;
using Igor.Dht.Protocol.Ring;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Replication;

/// <summary>
/// Serves other replicas: stores what they send, gives what they lack, compares ranges. An answer that says a
/// record is held leaves after the record is on disk.
/// </summary>
internal sealed class ReplicaServer
{
    private readonly ReplicaContext _context;
    private readonly RootKnowledge _root;
    private readonly ReplicaVotes _votes;
    private readonly Allegiance _allegiance;
    private readonly RepairSchedule _repair;
    private int _serving;

    public ReplicaServer(
        ReplicaContext context,
        RootKnowledge root,
        ReplicaVotes votes,
        Allegiance allegiance,
        RepairSchedule repair)
    {
        _context = context;
        _root = root;
        _votes = votes;
        _allegiance = allegiance;
        _repair = repair;
    }

    /// <summary>Store these records.</summary>
    public void HandleStore(in KbrDelivery delivery, bool isCoordinated, ReadOnlyMemory<byte>[] encoded)
    {
        Lease lease = _context.Lease();
        if (!HasRoom(delivery.Token, lease, encoded.Sum(static record => record.Length)))
        {
            return;
        }

        _serving++;
        var records = new Record?[encoded.Length];
        for (int at = 0; at < records.Length; at++)
        {
            records[at] = RecordCodec.TryDecode(_context.Own(encoded[at]), out _);
        }

        new StoreRound(this, delivery, isCoordinated, records, lease).Start();
    }

    /// <summary>Send what is newer.</summary>
    public void HandleFetch(in KbrDelivery delivery, bool isAsRoot, KeyVersion[] keys)
    {
        Lease lease = _context.Lease();
        if (!HasRoom(delivery.Token, lease, AnswerBytes(keys)))
        {
            return;
        }

        _serving++;
        new FetchRound(this, delivery, isAsRoot, keys, lease).Start();
    }

    /// <summary>Compare what both hold in a range.</summary>
    public void HandleSync(in KbrDelivery delivery, SyncMessage message)
    {
        ulong term = message.IsAsRoot ? _allegiance.TermFor(delivery.Source, message.Arc) : 0;
        var standing = new SyncStanding(Classes(), term);
        long nowUnixMs = _context.Now.UnixMs;
        Fingerprint own = _context.Index.FingerprintOf(message.Arc, message.Replicas, nowUnixMs);
        if (own == message.Fingerprint)
        {
            SyncMessages.WriteEqual(_context.Buffer, standing);
        }
        else if (own.Count <= SyncMessage.ItemsMax || SyncMessage.Part(message.Arc, 0) is null)
        {
            SyncMessages.WriteItems(_context.Buffer, standing, ItemsOf(message));
        }
        else
        {
            Span<Fingerprint> children = new Fingerprint[SyncMessage.Fanout];
            for (int at = 0; at < children.Length; at++)
            {
                Arc part = SyncMessage.Part(message.Arc, at)!.Value;
                children[at] = _context.Index.FingerprintOf(part, message.Replicas, nowUnixMs);
            }

            SyncMessages.WriteChildren(_context.Buffer, standing, children);
        }

        _context.Reply(delivery.Token);
    }

    /// <summary>A root asks for the word about its keys, and for a lease.</summary>
    public void HandleFollow(in KbrDelivery delivery, TimeSpan lease, ArcSet arcs)
    {
        (ulong term, ArcSet granted) = _allegiance.Follow(delivery.Source, arcs, lease);
        SyncMessages.WriteFollowing(_context.Buffer, term, granted);
        _context.Reply(delivery.Token);
    }

    /// <summary>A root says that this node is in sync with it.</summary>
    public void HandleSyncDone(in KbrDelivery delivery, Arc[] arcs)
    {
        foreach (Arc arc in arcs)
        {
            _votes.HandleSyncDone(delivery.Source, arc);
        }

        CommonMessages.WriteDone(_context.Buffer);
        _context.Reply(delivery.Token);
    }

    /// <summary>
    /// May this member leave without being missed? It may when all that this node is the root of has its
    /// copies: then one of them can go.
    /// </summary>
    public void HandleLeaving(in KbrDelivery delivery, bool isAgreed)
    {
        if ((isAgreed || _root.IsReplicated())
            && _context.Membership.TryLetLeave(delivery.Source, isAgreed))
        {
            CommonMessages.WriteDone(_context.Buffer);
            _context.Reply(delivery.Token);
        }
        else
        {
            _context.Defer(delivery.Token, "not all records near here have their copies");
        }
    }

    /// <summary>
    /// There are records that ask for so few copies. That counts from a root that has this node's word about
    /// the key: another one may have asked what is known here before.
    /// </summary>
    public void HandleFewCopies(in KbrDelivery delivery, Key key, int replicas)
    {
        _context.HandleReplicas(replicas);
        if (_allegiance.TryServe(delivery.Source, key))
        {
            CommonMessages.WriteDone(_context.Buffer);
            _context.Reply(delivery.Token);
        }
        else
        {
            _context.Defer(delivery.Token, "another root has the word about the key");
        }
    }

    /// <summary>Who is a member?</summary>
    public void HandleMembers(in KbrDelivery delivery)
    {
        CommonMessages.WriteMembersAre(
            _context.Buffer,
            _context.Membership.ToTell(),
            _context.InSyncSinceUnixMs,
            _context.FewCopies());
        _context.Reply(delivery.Token);
    }

    /// <summary>Which arc is this node the root of?</summary>
    public void HandleDescribe(in KbrDelivery delivery, Key key)
    {
        if (_context.Membership.IsRootOf(key) && _context.Membership.RootArc is { } arc)
        {
            SyncMessages.WriteDescribed(_context.Buffer, arc, _root.IsReplicated());
        }
        else
        {
            SyncMessages.WriteNotRoot(_context.Buffer);
        }

        _context.Reply(delivery.Token);
    }

    private bool HasRoom(DeliveryToken token, Lease lease, int bytes)
    {
        if (_serving >= _context.Options.ServingMax)
        {
            _context.Defer(token, "too many requests wait for the disk");
            return false;
        }

        if (bytes == 0 || lease.TryAdd(bytes))
        {
            return true;
        }

        _context.DeferForRoom(token);
        return false;
    }

    /// <summary>What the answer to a Fetch is going to hold: what is newer, as far as it fits.</summary>
    private int AnswerBytes(KeyVersion[] keys)
    {
        int bytes = 0;
        foreach (KeyVersion key in keys)
        {
            if (_context.Index.TryGet(key.Key, out Holding holding) && holding.Version > key.Version
                && (bytes == 0 || bytes + holding.ValueLength <= ReplicaMessages.BatchBytesMax))
            {
                bytes += holding.ValueLength + RecordCodec.OverheadBytesMax;
            }
        }

        return bytes;
    }

    private int Classes()
    {
        int classes = 0;
        for (int replicas = 1; replicas <= RecordCodec.ReplicasMax; replicas++)
        {
            classes |= _context.Index.CountOf(replicas) > 0 ? 1 << replicas : 0;
        }

        return classes;
    }

    private HeldVersion[] ItemsOf(SyncMessage message)
    {
        var holdings = new List<Holding>();
        foreach (KeySpan span in KeySpan.Of(message.Arc))
        {
            _context.Index.List(span, message.Replicas, _context.Now.UnixMs, SyncMessage.ItemsMax, holdings);
        }

        return [.. holdings.Select(h => new HeldVersion(h.Key, h.Version, h.Digest))];
    }

    /// <summary>One Store that waits for the disk.</summary>
    private sealed class StoreRound(
        ReplicaServer server, in KbrDelivery delivery, bool isCoordinated, Record?[] records, Lease lease)
        : IWriteHandler
    {
        private readonly ReplicaContext _context = server._context;
        private readonly DeliveryToken _token = delivery.Token;
        private readonly Key _source = delivery.Source;
        private readonly StoredEntry[] _entries = new StoredEntry[records.Length];
        private int _writing = 1;

        public void Start()
        {
            for (int at = 0; at < records.Length; at++)
            {
                Record? record = records[at];
                if (Judge(record) is { } entry)
                {
                    _entries[at] = entry;
                }
                else
                {
                    _writing++;
                    _context.Write(this, at, record!);
                }
            }

            Finish();
        }

        public void HandleWritten(int tag, StoredStatus status)
        {
            RecordHeader header = records[tag]!.Header;
            _entries[tag] = new StoredEntry(
                status,
                status == StoredStatus.Newer ? _context.Ranks.Held(header.Key) : header.Version,
                IsApart(header.Key));
            if (status == StoredStatus.Held && _context.Membership.IsRootOf(header.Key))
            {
                server._repair.HandleLearned(_source);
            }

            Finish();
        }

        /// <summary>The answer for a record that needs no writing; null for one that does.</summary>
        private StoredEntry? Judge(Record? record)
        {
            if (record is null || _context.FaultOf(record) is not null)
            {
                return new StoredEntry(StoredStatus.Refused, RecordVersion.None);
            }

            RecordHeader header = record.Header;
            RecordVersion held = _context.Ranks.Held(header.Key);
            return held < header.Version || _context.IsOutdone(record, held)
                ? null
                : new StoredEntry(
                    held == header.Version ? StoredStatus.Held : StoredStatus.Newer,
                    held,
                    IsApart(header.Key));
        }

        /// <summary>
        /// Whether the word about the key is another root's. That one may have asked while the record was
        /// being written, and was then not told of it: so this is judged after the write.
        /// </summary>
        private bool IsApart(Key key) => isCoordinated && !server._allegiance.TryServe(_source, key);

        private void Finish()
        {
            if (--_writing == 0)
            {
                server._serving--;
                ReplicaMessages.WriteStored(_context.Buffer, _entries);
                _context.Reply(_token);
                lease.End();
            }
        }
    }

    /// <summary>One Fetch that waits for the disk.</summary>
    private sealed class FetchRound(
        ReplicaServer server, in KbrDelivery delivery, bool isAsRoot, KeyVersion[] keys, Lease lease)
        : IReadHandler
    {
        private readonly ReplicaContext _context = server._context;
        private readonly DeliveryToken _token = delivery.Token;
        private readonly Key _source = delivery.Source;
        private readonly FetchedEntry[] _entries = new FetchedEntry[keys.Length];
        private int _reading = 1;

        public void Start()
        {
            int bytes = 0;
            for (int at = 0; at < keys.Length; at++)
            {
                Key key = keys[at].Key;
                bool isApart = isAsRoot && !server._allegiance.TryServe(_source, key);
                bool hasVote = !isApart && (server._votes.HasVote(key) || server._root.HasVote(key));
                int votesFrom = hasVote ? _context.FewestReplicas : 0;
                if (!_context.Index.TryGet(key, out Holding holding))
                {
                    _entries[at] = new FetchedEntry(FetchedStatus.None, votesFrom, isApart, default);
                }
                else if (_context.Ranks.Of(holding.Version) is var held && held <= keys[at].Version)
                {
                    _entries[at] = new FetchedEntry(
                        held == keys[at].Version ? FetchedStatus.Same : FetchedStatus.NotNewer,
                        votesFrom,
                        isApart,
                        default);
                }
                else if (bytes > 0 && bytes + holding.ValueLength > ReplicaMessages.BatchBytesMax)
                {
                    _entries[at] = new FetchedEntry(FetchedStatus.Omitted, votesFrom, isApart, default);
                }
                else
                {
                    bytes += holding.ValueLength + RecordCodec.OverheadBytesMax;
                    _entries[at] = new FetchedEntry(FetchedStatus.Record, votesFrom, isApart, default);
                    _reading++;
                    _context.Read(this, at, key);
                }
            }

            Finish();
        }

        public void HandleRead(int tag, Record? record)
        {
            _entries[tag] = record is null
                ? new FetchedEntry(FetchedStatus.None, VotesFrom: 0, IsApart: false, default)
                : _entries[tag] with { Record = record.Encoded };
            Finish();
        }

        private void Finish()
        {
            if (--_reading == 0)
            {
                server._serving--;
                ReplicaMessages.WriteFetched(_context.Buffer, _entries);
                _context.Reply(_token);
                lease.End();
            }
        }
    }
}
