using CsCheck;
using Igor.Dht.Protocol.Index;
using Igor.Dht.Protocol.Records;
using Igor.Dht.Protocol.Ring;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Tests.Index;

public class RecordTableTests
{
    private const long NowUnixMs = 1000;

    private static readonly Gen<Key> s_key =
        Gen.Int[0, 2000]
            .Select(at => Key.HashOf(at.ToString(System.Globalization.CultureInfo.InvariantCulture)));

    private static readonly Gen<Holding> s_holding =
        Gen.Select(s_key, Gen.ULong[1, 4], Gen.Int[1, 8], Gen.Long[0, 2])
        .Select((key, clock, replicas, expiry) => new Holding(
            key, new RecordVersion(clock, 0), expiry * (NowUnixMs - 1), 10, (byte)replicas, false, "value"));

    private static readonly Gen<(bool IsPut, Holding Holding)[]> s_steps =
        Gen.Select(Gen.Int[0, 3].Select(at => at > 0), s_holding).Array[0, 3000];

    [Fact]
    public void Index_agrees_with_a_dictionary() =>
        Gen.Select(s_steps, s_key, s_key, Gen.Int[0, 8]).Sample(
            (steps, start, end, replicas) =>
            {
                (RecordTable index, Dictionary<Key, Holding> model) = Build(steps);
                Assert.Equal(model.Count, index.Count);
                Assert.Equal(model.Values.Count(h => h.Replicas == 3), index.CountOf(3));
                foreach ((Key key, Holding held) in model)
                {
                    Assert.True(index.TryGet(key, out Holding found));
                    Assert.Equal(held, found);
                }

                var arc = new Arc(start, end);
                Holding[] expected = [.. model.Values
                    .Where(h => arc.Contains(h.Key) && !h.IsExpiredAt(NowUnixMs))
                    .Where(h => replicas == 0 || h.Replicas == replicas)];
                Fingerprint sum = expected.Aggregate(
                    Fingerprint.Empty, (left, h) => left + Fingerprint.Of(h.Key, h.Version, h.Digest));
                Assert.Equal(sum, index.FingerprintOf(arc, replicas, NowUnixMs));

                var listed = new List<Holding>();
                Assert.All(
                    KeySpan.Of(arc),
                    s => Assert.True(index.List(s, replicas, NowUnixMs, int.MaxValue, listed)));
                Assert.Equal(expected.OrderBy(h => h.Key - arc.Start), listed);
            },
            iter: 100);

    [Fact]
    public void Fingerprint_forgets_a_record_at_its_end()
    {
        var index = new RecordTable();
        index.Put(new Holding(Key.Max, new RecordVersion(1, 1), 500, 0, 5, false, "value"));
        Assert.Equal(1, index.FingerprintOf(Arc.Whole, 5, 499).Count);
        Assert.Equal(Fingerprint.Empty, index.FingerprintOf(Arc.Whole, 5, 500));
    }

    [Fact]
    public void List_stops_at_the_bound_and_says_so()
    {
        var index = new RecordTable();
        for (int at = 0; at < 5; at++)
        {
            index.Put(new Holding(
                new Key((ulong)at, 0, 0, 0), new RecordVersion(1, 1), 0, 0, 5, false, "value"));
        }

        var listed = new List<Holding>();
        Assert.False(index.List(new KeySpan(Key.Zero, Key.Max), 0, 0, 4, listed));
        Assert.Equal(4, listed.Count);
        listed.Clear();
        Assert.True(index.List(new KeySpan(Key.Zero, Key.Max), 0, 0, 5, listed));
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(1, 2500)]
    [InlineData(3, 0)]
    [InlineData(7, 0)]
    public void Runs_put_behind_one_another_are_as_records_put_in_any_order(int parts, int firstsWithout)
    {
        var random = new Random(1);
        RecordSlot[] slots = [.. Enumerable.Range(0, 5000).Select(at => new RecordSlot
        {
            Key = Key.HashOf(at.ToString(System.Globalization.CultureInfo.InvariantCulture)),
            Version = new RecordVersion(1, (ulong)at),
            Replicas = (byte)(1 + (at % 8)),
            Owner = at % 3,
            BodyLength = random.Next(100),
        })];
        var put = new RecordTable();
        var appended = new RecordTable();
        Key[] owners = [new Key(1, 2, 3, 4), new Key(5, 6, 7, 8)];
        foreach (RecordTable table in (ReadOnlySpan<RecordTable>)[put, appended])
        {
            table.Types.NumberOf("value");
            Assert.All(owners, owner => table.Owners.NumberOf(owner));
        }

        slots = [.. slots.OrderBy(slot => slot.Key).Skip(firstsWithout).OrderBy(slot => slot.Version.Writer)];
        foreach (RecordSlot slot in slots)
        {
            put.Put(slot);
        }

        Key low = Key.Zero;
        appended.Append(new RecordRuns(low, 1, 2, length => new RecordSlot[length]));
        foreach (RecordSlot[] part in slots.OrderBy(slot => slot.Key).Chunk((5000 / parts) + 1))
        {
            low = part[0].Key;
            var runs = new RecordRuns(low, 1, 2, length => new RecordSlot[length]);
            Assert.All(part, slot => runs.Append(slot));
            appended.Append(runs);
        }

        var all = new KeySpan(Key.Zero, Key.Max);
        Assert.Equal(put.SlotsIn(all), appended.SlotsIn(all));
        Assert.Equal((put.Count, put.Bytes), (appended.Count, appended.Bytes));
        Assert.Equal(
            Enumerable.Range(0, 9).Select(put.CountOf), Enumerable.Range(0, 9).Select(appended.CountOf));
        Assert.Equal(put.Owners.All, appended.Owners.All);
        Assert.Equal(put.Types.All, appended.Types.All);
        appended.Put(new RecordSlot { Key = Key.Zero, Version = new RecordVersion(1, 1), Replicas = 1 });
        Assert.True(appended.Remove(Key.Zero));
        Assert.All(slots, slot => Assert.True(appended.TryFind(slot.Key, out _)));
        foreach (RecordSlot slot in slots[..^10])
        {
            Assert.True(appended.Remove(slot.Key));
        }

        Assert.Equal(slots[^10..].OrderBy(slot => slot.Key), appended.SlotsIn(all));
    }

    [Fact]
    public void Ended_records_are_listed_in_pages_and_as_often_as_asked()
    {
        var index = new RecordTable();
        for (int at = 1; at <= 2000; at++)
        {
            index.Put(new Holding(
                new Key((ulong)at, 0, 0, 0), new RecordVersion(1, 1), at % 3, 0, 5, false, "value"));
        }

        for (int round = 0; round < 2; round++)
        {
            var ended = new List<RecordSlot>();
            Key? next = index.ListEnded(Key.Zero, 2, 100, ended);
            while (next is Key from)
            {
                var page = new List<RecordSlot>();
                next = index.ListEnded(from, 2, 100, page);
                ended.AddRange(page);
            }

            Assert.Equal(2000 / 3 + 1, ended.Count);
            Assert.All(ended, slot => Assert.Equal(1, slot.ExpiresAtUnixMs));
        }
    }

    [Fact]
    public void Use_by_type_and_owner_follows_every_change()
    {
        var index = new RecordTable();
        Key alice = Key.HashOf("alice");
        var header = new RecordHeader { Key = Key.HashOf("a"), Type = "t", Version = default, Owner = alice };
        index.Put(index.SlotOf(header, 10));
        index.Put(index.SlotOf(header with { Key = Key.HashOf("b") }, 5));
        Assert.Equal((2, 15), (index.Owners.RecordsOf(alice), index.Types.BytesOf("t")));

        index.Put(index.SlotOf(header with { Owner = Key.HashOf("bob"), Type = "u" }, 7));
        Assert.Equal((5, 7), (index.Owners.BytesOf(alice), index.Types.BytesOf("u")));

        index.Remove(Key.HashOf("b"));
        Assert.Equal(0, index.Owners.BytesOf(alice));
        Assert.Equal(1, index.Owners.Names);
        Assert.Equal(header with { Owner = Key.HashOf("bob"), Type = "u" }, index.SlotsIn(
            new KeySpan(Key.Zero, Key.Max)).Select(slot => index.HeaderOf(slot)).Single());
    }

    private static (RecordTable Index, Dictionary<Key, Holding> Model) Build((bool, Holding)[] steps)
    {
        var index = new RecordTable();
        var model = new Dictionary<Key, Holding>();
        foreach ((bool isPut, Holding holding) in steps)
        {
            if (isPut)
            {
                index.Put(holding);
                model[holding.Key] = holding;
            }
            else
            {
                Assert.Equal(model.Remove(holding.Key), index.Remove(holding.Key));
            }
        }

        return (index, model);
    }
}
