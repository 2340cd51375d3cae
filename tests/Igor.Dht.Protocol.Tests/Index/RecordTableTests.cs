using CsCheck;
using Igor.Dht.Protocol.Index;
using Igor.Dht.Protocol.Records;
using Igor.Dht.Protocol.Ring;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Tests.Index;

public class RecordIndexTests
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
                (RecordIndex index, Dictionary<Key, Holding> model) = Build(steps);
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
                    Fingerprint.Empty, (left, h) => left + Fingerprint.Of(h.Key, h.Version));
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
        var index = new RecordIndex();
        index.Put(new Holding(Key.Max, new RecordVersion(1, 1), 500, 0, 5, false, "value"));
        Assert.Equal(1, index.FingerprintOf(Arc.Whole, 5, 499).Count);
        Assert.Equal(Fingerprint.Empty, index.FingerprintOf(Arc.Whole, 5, 500));
    }

    [Fact]
    public void List_stops_at_the_bound_and_says_so()
    {
        var index = new RecordIndex();
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

    private static (RecordIndex Index, Dictionary<Key, Holding> Model) Build((bool, Holding)[] steps)
    {
        var index = new RecordIndex();
        var model = new Dictionary<Key, Holding>();
        foreach ((bool isPut, Holding holding) in steps)
        {
            bool isThere = model.TryGetValue(holding.Key, out Holding held);
            if (isPut)
            {
                bool isNewer = !isThere || held.Version < holding.Version;
                Assert.Equal(isNewer, index.Put(holding));
                if (isNewer)
                {
                    model[holding.Key] = holding;
                }
            }
            else
            {
                bool isOld = isThere && held.Version <= holding.Version;
                Assert.Equal(isOld, index.Remove(holding.Key, holding.Version));
                if (isOld)
                {
                    model.Remove(holding.Key);
                }
            }
        }

        return (index, model);
    }
}
