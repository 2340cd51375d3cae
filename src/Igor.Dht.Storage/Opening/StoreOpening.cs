using Igor.Dht.Protocol.Index;
using Igor.Dht.Storage.Hints;
using Igor.Dht.Storage.Segments;
using Igor.Dht.Storage.State;

// From a folder to a store that may serve: the segments; for each its hint or, where that is missing or
// damaged, what a scan finds; the index that they make; the end of the log.

namespace Igor.Dht.Storage.Opening;

/// <summary>Opens the parts of a store and brings them together.</summary>
internal static class StoreOpening
{
    // Hints are written behind the log: a process that dies may leave so many segments without.
    private const int UnhintedByDeath = 2;

    /// <summary>The folder of the segments.</summary>
    public static string SegmentsIn(string folder) => Path.Combine(folder, "segments");

    /// <summary>The folder of the hints.</summary>
    public static string HintsIn(string folder) => Path.Combine(folder, "hints");

    /// <summary>The folder of the catalogue.</summary>
    public static string CatalogueIn(string folder) => Path.Combine(folder, "catalogue");

    /// <summary>Opens the store in the folder of the options, whose lock is held.</summary>
    public static StoreContext Open(RecordStoreOptions options)
    {
        StoreMarker.Read(options.Folder);
        SegmentLog log = SegmentLog.Open(SegmentsIn(options.Folder), options.SegmentBytesMax);
        try
        {
            MakeHintsFolder(options.Folder);
            DropStillborn(log);
            HintFile.SegmentsIn(HintsIn(options.Folder)).ForEach(log.PassOver);
            var store = new StoreContext(options, log, new DamageLedger(), HintsIn(options.Folder));
            Load(store);
            Mark(store);
            return store;
        }
        catch
        {
            log.Dispose();
            throw;
        }
    }

    private static void MakeHintsFolder(string folder)
    {
        try
        {
            OwnFiles.MakeFolder(HintsIn(folder));
        }
        catch (Exception e) when (DiskFault.IsRefusal(e))
        {
            // It is made with the first hint, when the disk takes it.
        }
    }

    private static void Mark(StoreContext store)
    {
        try
        {
            new StoreMarker(StoreMarker.CurrentFormat).Write(store.Options.Folder);
        }
        catch (Exception e) when (DiskFault.IsRefusal(e))
        {
            store.Ledger.SetDiskTrouble(
                DiskFault.Describe("Records cannot be written", store.Options.Folder, e));
        }
    }

    private static void Load(StoreContext store)
    {
        var distrusted = new HashSet<int>();
        while (true)
        {
            var loading = new Loading(store, distrusted);
            try
            {
                loading.Run();
                return;
            }
            catch (HintDamagedException e)
            {
                distrusted.Add(e.Segment); // its segment is read in the next attempt
            }
            finally
            {
                loading.Dispose();
            }
        }
    }

    /// <summary>A segment whose head never got to the disk holds nothing.</summary>
    private static void DropStillborn(SegmentLog log)
    {
        if (log.Segments is [.., { IsReadOnly: false } last] && last.Length <= SegmentCodec.FileHeaderBytes)
        {
            log.Delete(last.Id);
        }
    }

    /// <summary>One attempt to make the index of what is on disk.</summary>
    private sealed class Loading(StoreContext store, HashSet<int> distrusted) : IDisposable
    {
        private readonly List<IHintSource> _sources = [];
        private readonly List<int> _scanned = [];
        private readonly List<(int Segment, int Stretches)> _damage = [];
        private HintEntries _entries = new();
        private LogPosition _end;

        public void Run()
        {
            IReadOnlyList<Segment> segments = store.Log.Segments;
            foreach (Segment segment in segments)
            {
                if (segment == segments[^1])
                {
                    AddTail(segment);
                }
                else
                {
                    _sources.Add(FindWholeHint(segment) ?? Scan(segment));
                }
            }

            int[] orphans =
                [.. HintFile.SegmentsIn(store.HintsFolder).Where(id => store.Log.Find(id) is null)];
            _sources.AddRange(orphans
                .Where(id => !distrusted.Contains(id))
                .Select(id => HintFile.TryOpen(store.HintsFolder, id))
                .OfType<HintFile>());
            var merge = new HintMerge(store.Log, _sources.OrderBy(source => source.Segment));
            store.Index = merge.Run(_end, merge.RangesByDefault);
            store.ForgottenHints.AddRange(orphans);
            Report(merge);
            Resume(segments);
            int expected = segments.Count - 1 - UnhintedByDeath;
            if (_scanned.Any(at => at < expected))
            {
                store.Rebuilt = $"{_scanned.Count} of {segments.Count} segments were read whole, for their "
                    + "hints were missing or damaged";
            }
        }

        public void Dispose()
        {
            foreach (HintFile hint in _sources.OfType<HintFile>())
            {
                hint.Dispose();
            }
        }

        /// <summary>The hint that belongs to a segment; null when there is none.</summary>
        private HintFile? FindHint(Segment segment)
        {
            HintFile? hint = distrusted.Contains(segment.Id)
                ? null
                : HintFile.TryOpen(store.HintsFolder, segment.Id);
            bool isOurs = hint is not null && hint.Salt == segment.Salt;
            segment.IsHinted = isOurs && hint!.Covered >= segment.Length;
            if (!isOurs)
            {
                hint?.Dispose();
            }

            return isOurs ? hint : null;
        }

        private HintFile? FindWholeHint(Segment segment)
        {
            HintFile? hint = FindHint(segment);
            if (segment.IsHinted)
            {
                return hint;
            }

            hint?.Dispose();
            return null;
        }

        /// <summary>
        /// The last segment: what follows its hint, or all of it, is read, to see where its entries end.
        /// </summary>
        private void AddTail(Segment last)
        {
            HintFile? hint = FindHint(last);
            var entries = new HintEntries();
            SegmentSurvey survey = SegmentSurvey.Of(last, hint?.Covered ?? 0, isTail: true, entries);
            if (hint is not null)
            {
                _sources.Add(hint);
            }

            _sources.Add(entries);
            NoteDamage(last, survey);
            _end = survey.CanFollow && !last.IsReadOnly && hint is not { IsClosed: true }
                && last.Length >= survey.IntactEnd
                    ? new LogPosition(last.Id, survey.IntactEnd)
                    : new LogPosition(last.Id + 1, 0);
        }

        private void NoteDamage(Segment segment, SegmentSurvey survey)
        {
            if (survey.DamagedStretches > 0)
            {
                _damage.Add((segment.Id, survey.DamagedStretches));
            }
        }

        private IHintSource Scan(Segment segment)
        {
            HintEntries entries = _entries;
            SegmentSurvey survey = SegmentSurvey.Of(segment, 0, isTail: false, entries);
            NoteDamage(segment, survey);
            _scanned.Add(_sources.Count);
            if (TryHint(segment, survey, entries) is HintFile hint)
            {
                return hint;
            }

            _entries = new HintEntries(); // these stay in memory until the index is made
            return entries;
        }

        private HintFile? TryHint(Segment segment, SegmentSurvey survey, HintEntries entries)
        {
            if (survey.HasUnreadable)
            {
                segment.IsHinted = true; // the disk may find it again: the next start tries
                return null;
            }

            try
            {
                HintFile.Write(store.HintsFolder, entries);
                segment.IsHinted = true;
                return HintFile.TryOpen(store.HintsFolder, segment.Id);
            }
            catch (Exception e) when (DiskFault.IsOfDisk(e))
            {
                return null; // it is written when the disk takes it
            }
        }

        /// <summary>
        /// Nothing is appended to a segment that cannot be relied upon. What may be read of it stays.
        /// </summary>
        private void Resume(IReadOnlyList<Segment> segments)
        {
            if (segments is not [.., { IsReadOnly: false } last])
            {
                return;
            }

            if (_end.Segment == last.Id)
            {
                store.Log.Resume(last, _end.Offset);
                last.IsHinted = false;
            }

            // A process that was killed before its fsync leaves entries in the kernel's cache. They count as
            // stored from now on, and are acknowledged when they are put again.
            last.Sync();
        }

        private void Report(HintMerge merge)
        {
            foreach ((Holding lost, int segment) in merge.Lost)
            {
                store.Ledger.AddRecord(lost, segment);
                store.Unrecorded[lost.Key] = lost.Version;
            }

            foreach ((int segment, int stretches) in _damage)
            {
                store.Ledger.AddStretches(stretches, segment);
            }
        }
    }
}
