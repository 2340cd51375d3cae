using CsCheck;
using Igor.Dht.Protocol.Index;
using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Records;
using Igor.Dht.Protocol.Ring;
using Igor.Kbr;
using MessagePack;

namespace Igor.Dht.Protocol.Tests.Messages;

public class MessageTests
{
    private static readonly Gen<Key> s_key = Gen.Select(Gen.ULong, Gen.ULong, Gen.ULong, Gen.ULong)
        .Select((a, b, c, d) => new Key(a, b, c, d));

    private static readonly Gen<RecordVersion> s_version =
        Gen.Select(Gen.ULong, Gen.ULong).Select((clock, writer) => new RecordVersion(clock, writer));

    private static readonly Gen<Record> s_record = Gen.Select(s_key, s_version, Gen.Byte.Array[0, 300])
        .Select((key, version, value) => RecordCodec.Encode(
            new RecordHeader { Key = key, Type = "value", Version = version }, value));

    private delegate T Reading<T>(ref MessagePackReader reader);

    [Fact]
    public void Put_and_get_come_back_as_they_went() =>
        Gen.Select(
            s_key, s_record, Gen.Int[0, 60_000], s_version.Array[0, PutMessage.FormerNamesMax])
        .Sample((key, record, budgetMs, names) =>
        {
            var buffer = new PayloadBuffer();
            TimeSpan budget = TimeSpan.FromMilliseconds(budgetMs);
            new PutMessage(AckLevel.All, budget, record.Encoded, 3, names).Write(buffer);
            PutMessage put = Read(buffer, MessageKind.Put, PutMessage.Read);
            Assert.Equal((AckLevel.All, budget, 3), (put.Acks, put.Budget, put.CopiesMin));
            Assert.True(put.Record.Span.SequenceEqual(record.Encoded.Span));
            Assert.Equal(names, put.FormerNames);

            var get = new GetMessage(key, GetConsistency.Quorum, budget);
            get.Write(buffer);
            Assert.Equal(get, Read(buffer, MessageKind.Get, GetMessage.Read));
        });

    [Theory]
    [InlineData(1, 7)]
    [InlineData(2, 0)]
    public void Put_without_the_fields_that_came_later_has_no_floor_and_no_names(int without, int copiesMin)
    {
        var buffer = new PayloadBuffer();
        new PutMessage(AckLevel.One, TimeSpan.Zero, new byte[] { 1 }, 7, []).Write(buffer);
        byte[] shorter = buffer.Written[..^without].ToArray();
        shorter[0] -= (byte)without;
        var reader = new MessagePackReader(shorter);
        CommonMessages.ReadKind(ref reader);
        PutMessage put = PutMessage.Read(ref reader);
        Assert.Equal(copiesMin, put.CopiesMin);
        Assert.Empty(put.FormerNames);
    }

    [Fact]
    public void Answers_come_back_as_they_went() =>
        Gen.Select(s_key.Array[0, 8], s_version, s_record).Sample((holders, version, record) =>
        {
            var buffer = new PayloadBuffer();
            new PutDoneMessage(version, 5, holders, true).Write(buffer);
            PutDoneMessage done = Read(buffer, MessageKind.PutDone, PutDoneMessage.Read);
            Assert.Equal((version, 5, true), (done.Version, done.Known, done.IsDegraded));
            Assert.Equal(holders, done.Holders);

            new NotEnoughMessage(3, holders, "why").Write(buffer);
            NotEnoughMessage not = Read(buffer, MessageKind.NotEnough, NotEnoughMessage.Read);
            Assert.Equal((3, "why"), (not.Needed, not.Text));

            new GotMessage(GetOutcome.Found, true, 2, 5, version, 77, record.Encoded).Write(buffer);
            GotMessage got = Read(buffer, MessageKind.Got, GotMessage.Read);
            Assert.Equal((GetOutcome.Found, true, 2, 5, version, 77L), (
                got.Outcome, got.IsDegraded, got.Answered, got.Asked, got.Version, got.ExpiresAtUnixMs));
            Assert.True(got.Record.Span.SequenceEqual(record.Encoded.Span));
        });

    [Fact]
    public void Replica_messages_come_back_as_they_went() =>
        Gen.Select(s_record.Array[0, 20], s_key.Array[0, 20], s_version).Sample((records, keys, version) =>
        {
            var buffer = new PayloadBuffer();
            ReplicaMessages.WriteStore(buffer, true, records);
            (bool isCoordinated, ReadOnlyMemory<byte>[] stored) =
                Read(buffer, MessageKind.Store, ReplicaMessages.ReadStore);
            Assert.True(isCoordinated);
            Assert.Equal(
                records.Select(r => r.Header), stored.Select(e => RecordCodec.TryDecode(e, out _)!.Header));

            KeyVersion[] wanted = [.. keys.Select(k => new KeyVersion(k, version))];
            ReplicaMessages.WriteFetch(buffer, isAsRoot: true, wanted);
            (bool isAsRoot, KeyVersion[] fetching) =
                Read(buffer, MessageKind.Fetch, ReplicaMessages.ReadFetch);
            Assert.True(isAsRoot);
            Assert.Equal(wanted, fetching);

            StoredEntry[] entries =
                [.. keys.Select((_, at) => new StoredEntry((StoredStatus)(at % 5), version, at % 2 == 0))];
            ReplicaMessages.WriteStored(buffer, entries);
            Assert.Equal(entries, Read(buffer, MessageKind.Stored, ReplicaMessages.ReadStored));

            FetchedEntry[] fetched =
                [.. records.Select(r => new FetchedEntry(FetchedStatus.Record, 5, false, r.Encoded))];
            ReplicaMessages.WriteFetched(buffer, fetched);
            Assert.Equal(
                fetched.Select(f => f.Record.ToArray()),
                Read(buffer, MessageKind.Fetched, ReplicaMessages.ReadFetched)
                    .Select(f => f.Record.ToArray()));
        });

    [Fact]
    public void Sync_messages_come_back_as_they_went() =>
        Gen.Select(s_key.Array[2, 32], s_version, Gen.ULong, Gen.ULong).Sample((keys, version, high, low) =>
        {
            var buffer = new PayloadBuffer();
            var print = new Fingerprint(keys.Length, new UInt128(high, low));
            var sync = new SyncMessage(5, new Arc(keys[0], keys[1]), print, IsAsRoot: true);
            sync.Write(buffer);
            Assert.Equal(sync, Read(buffer, MessageKind.Sync, SyncMessage.Read));

            Arc[] arcs = [.. keys.Select(k => new Arc(k, keys[0]))];
            SyncMessages.WriteDone(buffer, arcs);
            Assert.Equal(arcs, Read(buffer, MessageKind.SyncDone, SyncMessages.ReadDone));

            var set = ArcSet.Of(arcs[1]);
            SyncMessages.WriteFollow(buffer, TimeSpan.FromMilliseconds(500), set);
            (TimeSpan lease, ArcSet asked) = Read(buffer, MessageKind.Follow, SyncMessages.ReadFollow);
            Assert.Equal(500, lease.TotalMilliseconds);
            Assert.Equal(set.Spans, asked.Spans);

            SyncMessages.WriteFollowing(buffer, high, set);
            (ulong term, ArcSet granted) =
                Read(buffer, MessageKind.Following, SyncMessages.ReadFollowing);
            Assert.Equal(high, term);
            Assert.Equal(set.Spans, granted.Spans);

            SyncMessages.WriteDescribed(buffer, arcs[1], true);
            Assert.Equal((arcs[1], true), Read(buffer, MessageKind.Described, SyncMessages.ReadDescribed));
        });

    [Fact]
    public void Parts_of_an_arc_are_the_arc() => Gen.Select(s_key, s_key, s_key).Sample((start, end, key) =>
    {
        var arc = new Arc(start, end);
        Arc[] parts =
            [.. Enumerable.Range(0, SyncMessage.Fanout).Select(at => SyncMessage.Part(arc, at)!.Value)];
        Assert.Equal(arc.Contains(key) ? 1 : 0, parts.Count(p => p.Contains(key)));
    });

    [Fact]
    public void Arbitrary_bytes_are_answered_and_never_throw() => Gen.Byte.Array[0, 200].Sample(
        bytes =>
        {
            DhtCluster cluster = DhtCluster.Of(1, settled: false);
            cluster.Run(1);
            Deliver(cluster, bytes);
        },
        iter: 300);

    [Fact]
    public void Damaged_messages_are_answered_and_never_throw() =>
        Gen.Select(s_record, Gen.Int[0, 6], Gen.Int[0, 500], Gen.Byte).Sample(
            (record, kind, at, value) =>
            {
                byte[] bytes = MessageOf(kind, record);
                bytes[at % bytes.Length] = value;
                DhtCluster cluster = DhtCluster.Of(1, settled: false);
                cluster.Run(1);
                Deliver(cluster, bytes);
            },
            iter: 500);

    private static void Deliver(DhtCluster cluster, byte[] bytes)
    {
        byte[]? answer = null;
        cluster.Alive.Single().Deliver(Key.Zero, Key.Max, bytes, reply => answer = reply);
        cluster.RunUntil(() => answer is not null, 20);
    }

    private static byte[] MessageOf(int kind, Record record)
    {
        var buffer = new PayloadBuffer();
        Key key = record.Header.Key;
        switch (kind)
        {
            case 0:
                new PutMessage(AckLevel.One, TimeSpan.FromSeconds(1), record.Encoded, 0, []).Write(buffer);
                break;
            case 1:
                new GetMessage(key, GetConsistency.Root, TimeSpan.FromSeconds(1)).Write(buffer);
                break;
            case 2:
                ReplicaMessages.WriteStore(buffer, false, [record, record]);
                break;
            case 3:
                ReplicaMessages.WriteFetch(buffer, isAsRoot: true, [new KeyVersion(key, default)]);
                break;
            case 4:
                new SyncMessage(5, new Arc(key, Key.Max), new Fingerprint(3, 9), IsAsRoot: true)
                    .Write(buffer);
                break;
            case 5:
                SyncMessages.WriteDone(buffer, [new Arc(key, Key.Max)]);
                break;
            default:
                SyncMessages.WriteDescribe(buffer, key);
                break;
        }

        return buffer.Written.ToArray();
    }

    private static T Read<T>(PayloadBuffer buffer, MessageKind kind, Reading<T> reading)
    {
        var reader = new MessagePackReader(buffer.Written);
        Assert.Equal(kind, CommonMessages.ReadKind(ref reader));
        T message = reading(ref reader);
        Assert.True(reader.End);
        return message;
    }
}
