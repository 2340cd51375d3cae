using CsCheck;
using Igor.Dht.Protocol.Index;
using Igor.Dht.Protocol.Records;
using Igor.Dht.Storage.Hints;
using Igor.Dht.Storage.Index;
using Igor.Dht.Storage.Opening;
using Igor.Dht.Storage.Segments;
using Igor.Dht.Storage.Writing;
using Igor.Kbr;
using Igor.Testing;


namespace Igor.Dht.Storage.Tests;

/// <summary>
/// Stores made by chance, with removals, replaced records, notes, damage and segments that are cut or gone:
/// the index is the same whatever number of ranges is merged at a time, and as what the log says key by key.
/// </summary>
public sealed class HintMergeTests : IDisposable
{
    private const int Keys = 700;

    private readonly TemporaryFolder _folder = new();
    private int _runs;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Index_is_the_same_however_many_ranges_are_merged_at_a_time() =>
        Gen.Select(Gen.Int[0, int.MaxValue], Gen.Bool).Sample(
            (seed, areKeysAlike) =>
            {
                string folder = _folder.Combine($"run {_runs++}");
                Make(folder, new Random(seed), areKeysAlike);
                using var opened = new Opened(folder);
                (List<RecordSlot> held, List<(Key Key, RecordVersion Version)> lost) = opened.Judge();
                (StoreIndex one, List<LostRecord> lostOfOne) = opened.Merge(1);
                List<RecordSlot> slots = one.ListFrom(Key.Zero, int.MaxValue);
                Assert.Equal(
                    held.Select(slot => (slot.Key, slot.Version, StoreIndex.PlaceOf(slot), slot.Digest)),
                    slots.Select(slot => (slot.Key, slot.Version, StoreIndex.PlaceOf(slot), slot.Digest)));
                Assert.Equal(lost, lostOfOne.Select(record => (record.Lost.Key, record.Lost.Version)));
                foreach (int ranges in (ReadOnlySpan<int>)[2, 4, 9])
                {
                    (StoreIndex some, List<LostRecord> lostOfSome) = opened.Merge(ranges);
                    Assert.Equal(slots, some.ListFrom(Key.Zero, int.MaxValue));
                    Assert.Equal(lostOfOne, lostOfSome);
                    Assert.Equal(SumsOf(one), SumsOf(some));
                    Assert.Equal(one.Headers(Arc.Whole), some.Headers(Arc.Whole));
                    Assert.Equal(UsesOf(one), UsesOf(some));
                    Assert.Equal(one.FindNote("note 1")?.Content, some.FindNote("note 1")?.Content);
                }
            },
            iter: 15,
            threads: 1);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void Damage_of_any_block_is_noticed_however_many_ranges_are_merged(int ranges)
    {
        string folder = _folder.Combine("store");
        Make(folder, new Random(1), areKeysAlike: false);
        string path = HintFile.PathOf(StoreOpening.HintsIn(folder), 2);
        byte[] whole = File.ReadAllBytes(path);
        int tried = 0;
        for (int at = 1_000; at < whole.Length; at += 5_000, tried++)
        {
            byte[] hurt = [.. whole];
            hurt[at] ^= 1;
            File.WriteAllBytes(path, hurt);
            using var opened = new Opened(folder);
            Assert.Equal(2, Assert.Throws<HintDamagedException>(() => opened.Merge(ranges)).Segment);
        }

        Assert.True(tried > 8, $"the hint has only {whole.Length} bytes");
    }

    private static (int Count, long Live, long Memory, int Three, long Owned) SumsOf(StoreIndex index) =>
        (index.Count, index.LiveBytes, index.MemoryBytes, index.CountOf(3), index.BytesOf(OwnerOf(1)));

    private static IEnumerable<(int Id, SegmentUse Use)> UsesOf(StoreIndex index) =>
        index.SegmentUses().Select(use => (use.Key, use.Value)).Order(
            Comparer<(int Id, SegmentUse Use)>.Create((left, right) => left.Id.CompareTo(right.Id)));

    private static Key OwnerOf(int number) => Key.HashOf($"owner {number}");

    private static Key KeyOf(int number, bool areKeysAlike) => areKeysAlike
        ? new Key(7, 7, (ulong)number / 100, (ulong)number)
        : Key.HashOf($"key {number}");

    private static void Make(string folder, Random random, bool areKeysAlike)
    {
        using var store = new HandDrivenStore(new RecordStoreOptions
        {
            Folder = folder,
            SegmentBytesMax = 128 * 1024,
            CacheBytes = 0,
        });
        for (int step = 0; step < 6000; step++)
        {
            Key key = KeyOf(random.Next(Keys), areKeysAlike);
            StoredRecord? held = store.Batch.Current(key);
            switch (random.Next(20))
            {
                case 0 when held is not null:
                    Take(store, new StoreCommand(StoreCommandKind.Remove)
                    {
                        Key = key,
                        Version = held.Value.Version,
                    });
                    break;
                case 1 when held is not null:
                    Take(store, new StoreCommand(StoreCommandKind.Write)
                    {
                        Record = SomeRecord(key, step, random),
                        Version = held.Value.Version,
                        Completed = _ => { },
                    });
                    break;
                case 2:
                    Take(store, new StoreCommand(StoreCommandKind.Note)
                    {
                        Name = $"note {random.Next(3)}",
                        Content = [(byte)step],
                    });
                    break;
                default:
                    Take(store, new StoreCommand(StoreCommandKind.Write)
                    {
                        Record = SomeRecord(key, step, random),
                        Completed = _ => { },
                    });
                    break;
            }
        }

        store.Batch.Commit();
        store.Log.Seal();
        Hurt(store.Log.Find(1)!.FilePath, random);
        store.WriteHints();
        Assert.True(store.Log.Segments.Count > 3, "several segments are needed");
        string last = store.Log.Segments[^1].FilePath;
        string other = store.Log.Segments[^2].FilePath;
        store.Dispose();
        if (random.Next(2) == 0)
        {
            File.Delete(last);
        }

        using FileStream cut = File.OpenWrite(other);
        cut.SetLength(cut.Length - random.Next(10_000));
    }

    private static void Take(HandDrivenStore store, StoreCommand command) => store.Batch.Take(command);

    private static Record SomeRecord(Key key, int step, Random random) => RecordCodec.Encode(
        new RecordHeader
        {
            Key = key,
            Type = random.Next(4) == 0 ? "other" : "value",
            Version = new RecordVersion((ulong)((step / 4) + random.Next(1, 500)), 1),
            Replicas = random.Next(1, 6),
            Owner = random.Next(3) == 0 ? OwnerOf(random.Next(5)) : Key.Zero,
        },
        new byte[random.Next(60)]);

    private static void Hurt(string path, Random random)
    {
        byte[] bytes = File.ReadAllBytes(path);
        for (int i = 0; i < 40; i++)
        {
            bytes[random.Next(100, bytes.Length)] ^= 1;
        }

        File.WriteAllBytes(path, bytes);
    }

    /// <summary>The segments and hints of a folder.</summary>
    private sealed class Opened : IDisposable
    {
        private readonly SegmentLog _log;
        private readonly HintFile[] _hints;

        public Opened(string folder)
        {
            _log = SegmentLog.Open(StoreOpening.SegmentsIn(folder), 128 * 1024);
            string hints = StoreOpening.HintsIn(folder);
            _hints = [.. HintFile.SegmentsIn(hints).Select(id => HintFile.TryOpen(hints, id)!)];
        }

        public void Dispose()
        {
            Array.ForEach(_hints, hint => hint.Dispose());
            _log.Dispose();
        }

        public (StoreIndex Index, List<LostRecord> Lost) Merge(int ranges)
        {
            var merge = new HintMerge(_log, _hints);
            return (merge.Run(default, ranges), merge.Lost);
        }

        /// <summary>What is held and what is lost, by going through the log key by key.</summary>
        public (List<RecordSlot> Held, List<(Key Key, RecordVersion Version)> Lost) Judge()
        {
            var held = new SortedDictionary<Key, RecordSlot>();
            var lost = new SortedDictionary<Key, RecordSlot>();
            foreach (HintFile hint in _hints)
            {
                long length = _log.Find(hint.Segment)?.Length ?? 0;
                HintCursor cursor = hint.From(Key.Zero);
                while (cursor.MoveNext())
                {
                    bool isThere = StoreIndex.PlaceOf(cursor.Current).End <= length;
                    Judge(cursor.Current, isThere, held, lost);
                }
            }

            return ([.. held.Values], [.. lost.Values.Select(slot => (slot.Key, slot.Version))]);
        }

        private static void Judge(
            RecordSlot entry,
            bool isThere,
            SortedDictionary<Key, RecordSlot> held,
            SortedDictionary<Key, RecordSlot> lost)
        {
            Key key = entry.Key;
            HintKind kind = HintKinds.KindOf(entry);
            RecordVersion? heldVersion = held.TryGetValue(key, out RecordSlot one) ? one.Version : null;
            RecordVersion? lostVersion = lost.TryGetValue(key, out RecordSlot two) ? two.Version : null;
            if (kind == HintKind.Removal)
            {
                if (heldVersion <= entry.Version && one.Segment <= entry.ValueLength)
                {
                    held.Remove(key);
                }

                if (lostVersion <= entry.Version && two.Segment <= entry.ValueLength)
                {
                    lost.Remove(key);
                }
            }
            else if (kind == HintKind.Record && isThere)
            {
                if (heldVersion is null || heldVersion <= entry.Version)
                {
                    held[key] = entry;
                }

                if (lostVersion <= entry.Version)
                {
                    lost.Remove(key);
                }
            }
            else if (kind != HintKind.Note && !(heldVersion >= entry.Version))
            {
                held.Remove(key);
                if (lostVersion is null || lostVersion < entry.Version)
                {
                    lost[key] = entry;
                }
            }
        }
    }
}
