using Igor.Dht.Protocol.Index;
using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Records;
using Igor.Dht.Protocol.Ring;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Machines;

/// <summary>Takes the end of a write.</summary>
internal interface IWriteHandler
{
    /// <summary>The write with that tag ended; the index knows of it already.</summary>
    void HandleWritten(int tag, StoredStatus status);
}

/// <summary>Takes the end of a read.</summary>
internal interface IReadHandler
{
    /// <summary>The read with that tag ended; null when there is no record, or none that is intact.</summary>
    void HandleRead(int tag, Record? record);
}

/// <summary>
/// What the machines of a replica share beside what a client needs: what the node holds, and the ways to its
/// store and back to those who ask.
/// </summary>
internal sealed class ReplicaContext : DhtContext
{
    private readonly Dictionary<long, Writing> _writes = [];
    private readonly ReplicaClasses _classes;
    private readonly Dictionary<long, (IReadHandler Handler, int Tag)> _reads = [];

    /// <summary>Makes the shared part of a replica, and of the client beside it.</summary>
    /// <param name="self">The id of the node.</param>
    /// <param name="options">Settings.</param>
    /// <param name="output">Where effects go.</param>
    /// <param name="index">What its store holds.</param>
    /// <param name="seed">Seed of its randomness.</param>
    public ReplicaContext(
        Key self, DhtNodeOptions options, IDhtOutput output, IRecordIndex index, ulong seed)
        : base(self, options, output, seed)
    {
        Index = index;
        Ranks = new VersionRanks(this);
        Lacked = new LackedKeys(Ranks.Of);
        _classes = new ReplicaClasses(replicas => Index.CountOf(replicas), FewCopiesRetention);
    }

    /// <summary>The peer that handed over the delivery that is being handled.</summary>
    public Key Via { get; set; }

    /// <summary>Number of records that others sent and that were not taken for what they are.</summary>
    public long RefusedRecords { get; private set; }

    /// <summary>
    /// Number of messages between replicas that were refused, because they came from no known member's own
    /// connection.
    /// </summary>
    public long RefusedMessages { get; private set; }

    /// <summary>Says what versions count as.</summary>
    public VersionRanks Ranks { get; }

    /// <summary>What this node holds.</summary>
    public IRecordIndex Index { get; }

    /// <summary>What exists, as this node knows, and is not here.</summary>
    public LackedKeys Lacked { get; }

    /// <summary>What is here, and may be on too few nodes to be told alone.</summary>
    public UnsettledVersions Unsettled { get; } = new();

    /// <summary>
    /// Since when this node was never away for longer than tombstones live; 0 when it is not known.
    /// </summary>
    public long InSyncSinceUnixMs { get; set; }

    /// <summary>The puts that were done here lately.</summary>
    public AppliedVersions Applied { get; } = new();

    /// <summary>Called with the key of a record that turned out to be damaged.</summary>
    public Action<Key>? DamageFound { get; set; }

    /// <summary>Called when something changed that is to be kept over a restart.</summary>
    public Action? NoteChanged { get; set; }

    /// <summary>Called when there turn out to be records that ask for fewer copies.</summary>
    public Action? FewerFound { get; set; }

    /// <summary>
    /// The fewest replicas, five at most, that any record asks for of which this node heard lately.
    /// </summary>
    public int FewestReplicas => _classes.Fewest;

    /// <summary>
    /// How long it counts that some record asks for few copies: as long as its holders are expected back,
    /// and some.
    /// </summary>
    public TimeSpan FewCopiesRetention => Options.MissingRetention + (Options.SyncPeriod * 4);

    /// <summary>
    /// What keeps a record that another node sent from being stored; null when nothing does.
    /// </summary>
    public RecordFault? FaultOf(Record record)
    {
        RecordFault? fault = Judge.FaultOf(record, Now.UnixMs);
        RefusedRecords += fault is null ? 0 : 1;
        return fault;
    }

    /// <summary>
    /// Whether a delivery is beyond doubt a message of another member near this node. Nothing else may move
    /// or withhold records, for anybody can write any source into a message that is passed on.
    /// </summary>
    public bool IsFromReplica(in KbrDelivery delivery) => delivery.IsSourceProven
        && delivery.Source != Membership.Self && Membership.Alive.Contains(delivery.Source);

    /// <summary>Refuses a message between replicas that comes from somebody else.</summary>
    public void RefuseStranger(DeliveryToken delivery)
    {
        RefusedMessages++;
        Refuse(
            delivery,
            RefusalReason.Permission,
            "messages between replicas are taken only from members near this node, over their own link");
    }

    /// <summary>Sends the message in the buffer as an answer.</summary>
    public void Reply(DeliveryToken delivery)
    {
        if (delivery.ExpectsReply)
        {
            Output.Reply(delivery, Buffer.Payload);
        }
    }

    /// <summary>
    /// Answers that a request is refused for good; what is refused for its time is told the right one.
    /// </summary>
    public void Refuse(DeliveryToken delivery, RefusalReason reason, string text)
    {
        bool tellsTime = reason == RefusalReason.Version && Now.IsTrusted;
        CommonMessages.WriteRefused(Buffer, reason, text, tellsTime ? Now.UnixMs : 0);
        Reply(delivery);
    }

    /// <summary>Answers that a request had better be repeated.</summary>
    public void Defer(DeliveryToken delivery, string text)
    {
        CommonMessages.WriteBusy(Buffer, text);
        Reply(delivery);
    }

    /// <summary>Begins to count what is held for the delivery that is being handled.</summary>
    public Lease Lease() => new(Output, Via);

    /// <summary>Answers that there is no memory to serve a request with now.</summary>
    public void DeferForRoom(DeliveryToken delivery) => Defer(
        delivery, "as many bytes are held for the peer that asks, or for all of them, as may be: ask again");

    /// <summary>
    /// Stores a record. It takes the place of one from the future too, for which the time has to be trusted,
    /// unless it comes as a put: then it is the later one whatever the clocks say. (A record that is handed
    /// off comes so too, and is old; but of the right time, which is what counts.)
    /// </summary>
    public void Write(IWriteHandler handler, int tag, Record record, bool isPut = false)
    {
        long token = NextToken();
        RecordVersion held = Index.VersionOf(record.Header.Key);
        bool replaces = IsOutdone(record, held)
            || (held > record.Header.Version && Ranks.IsFromFuture(held) && (isPut || Now.IsTrusted));
        _writes.Add(token, new Writing(handler, tag, record, isPut));
        if (isPut || ((held < record.Header.Version || replaces) && Membership.IsRootOf(record.Header.Key)))
        {
            Unsettled.Begin(record.Header.Key, record.Header.Version);
        }

        if (replaces)
        {
            Output.Replace(token, record, held);
        }
        else
        {
            Output.Write(token, record);
        }
    }

    /// <summary>
    /// Whether what is held has the version of a record and other bytes, which are to yield to it: all nodes
    /// end with the same.
    /// </summary>
    public bool IsOutdone(Record record, RecordVersion held) => held == record.Header.Version
        && Index.TryGet(record.Header.Key, out Holding holding) && holding.Digest < record.Digest;

    /// <summary>Reads a record.</summary>
    public void Read(IReadHandler handler, int tag, Key key)
    {
        long token = NextToken();
        _reads.Add(token, (handler, tag));
        Output.Read(token, key);
    }

    /// <summary>Forgets a record.</summary>
    public void Remove(Key key, RecordVersion version)
    {
        if (Index.TryGet(key, out Holding holding) && holding.Version <= version)
        {
            Output.Remove(key, version);
        }
    }

    /// <summary>Keeps the members over a restart.</summary>
    public void Remember(string note, byte[] content) => Output.Remember(note, content);

    /// <summary>Appends an entry to the voter's log.</summary>
    public void AppendVote(ReadOnlyMemory<byte> entry) => Output.AppendVote(entry);

    /// <summary>Makes durable what was appended to the voter's log.</summary>
    public void SyncVotes() => Output.SyncVotes();

    /// <summary>Puts these entries into the place of all that the voter's log holds.</summary>
    public void RewriteVotes(IReadOnlyList<ReadOnlyMemory<byte>> entries) => Output.RewriteVotes(entries);

    /// <summary>There is a record that asks for so many replicas.</summary>
    public void HandleReplicas(int replicas)
    {
        if (_classes.Hear(replicas, Now.Monotonic))
        {
            FewerFound?.Invoke();
        }
    }

    /// <summary>
    /// Another node knows, each for so many seconds, that there are records that ask for one copy, for two,
    /// three and four.
    /// </summary>
    public void HandleFewCopies(IReadOnlyList<int> seconds)
    {
        bool isFewer = false;
        for (int at = 0; at < seconds.Count && at + 1 < Neighbourhood.Replicas; at++)
        {
            isFewer |= _classes.Hear(at + 1, TimeSpan.FromSeconds(seconds[at]), Now.Monotonic);
        }

        if (isFewer)
        {
            FewerFound?.Invoke();
        }
    }

    /// <summary>What this node tells others for <see cref="HandleFewCopies"/>.</summary>
    public int[] FewCopies() =>
    [
        .. Enumerable.Range(1, Neighbourhood.Replicas - 1)
            .Select(replicas => (int)Math.Min(
                _classes.Left(replicas, Now.Monotonic).TotalSeconds, ushort.MaxValue)),
    ];

    /// <summary>Records that asked for few replicas may be no more.</summary>
    public void AgeReplicas()
    {
        if (_classes.Age(Now.Monotonic))
        {
            NoteChanged?.Invoke();
        }
    }

    /// <summary>
    /// Others hold a record that could not be stored here: until it is here, this node does not answer for
    /// its key alone.
    /// </summary>
    public void HandleLacking(RecordHeader header)
    {
        AddLack(header.Key, header.Version, header.ExpiresAtUnixMs);
        NoteChanged?.Invoke();
    }

    /// <summary>A write ended.</summary>
    public void HandleWritten(long token, StoreOutcome outcome)
    {
        if (!_writes.Remove(token, out Writing waiting))
        {
            return;
        }

        // Superseded: this version or a newer one is durable already.
        if (outcome is StoreOutcome.Durable or StoreOutcome.Superseded)
        {
            HandleReplicas(waiting.Record.Header.Replicas);
            if (Lacked.Mend(waiting.Record.Header.Key, waiting.Record.Header.Version))
            {
                NoteChanged?.Invoke();
            }
        }

        StoredStatus status = outcome switch
        {
            StoreOutcome.Durable => StoredStatus.Held,
            StoreOutcome.Superseded =>
                IsNewerHeld(waiting.Record.Header) ? StoredStatus.Newer : StoredStatus.Held,
            StoreOutcome.OverQuota => StoredStatus.OverQuota,
            StoreOutcome.Busy => StoredStatus.Busy,
            _ => StoredStatus.Failed,
        };
        waiting.Handler.HandleWritten(waiting.Tag, status);
        if (!waiting.IsPut)
        {
            Unsettled.End(waiting.Record.Header.Key, waiting.Record.Header.Version);
        }
    }

    /// <summary>A read ended; null when there is no record, or none that is intact.</summary>
    public void HandleRead(long token, Record? record)
    {
        if (_reads.Remove(token, out (IReadHandler Handler, int Tag) waiting))
        {
            waiting.Handler.HandleRead(waiting.Tag, record);
        }
    }

    private bool IsNewerHeld(RecordHeader header) => Index.VersionOf(header.Key) > header.Version;

    /// <summary>A record that was held is damaged; one that has ended is no loss.</summary>
    public void HandleDamage(Holding lost)
    {
        if (!lost.IsExpiredAt(Now.UnixMs))
        {
            AddLack(lost.Key, lost.Version, lost.ExpiresAtUnixMs);
            DamageFound?.Invoke(lost.Key);
        }
    }

    private void AddLack(Key key, RecordVersion version, long expiresAtUnixMs) => Lacked.Add(
        key,
        version,
        expiresAtUnixMs,
        lack => lack.ExpiresAtUnixMs > 0 && lack.ExpiresAtUnixMs <= Now.UnixMs && Now.IsTrusted
            && !Index.TryGet(lack.Key, out _)); // an older version that is here must stay hidden

    private readonly record struct Writing(IWriteHandler Handler, int Tag, Record Record, bool IsPut);
}
