using Igor.Dht.Protocol.Records;
using Igor.Dht.Storage.Index;
using Igor.Dht.Storage.Segments;
using Igor.Kbr;

// Finds records by type, owner and end. The catalogue is brought up to date when it is asked, by what the
// index has of the log behind the catalogue's end, in bulk; it is open only as long as an answer takes, and
// one answer at a time. It is believed nothing: what it finds is looked up in the index, and what it should
// have found as well, so that an answer is complete, or the catalogue is made anew, or the asker told.

namespace Igor.Dht.Storage.Queries;

/// <summary>Answers queries about a store. Thread-safe.</summary>
internal sealed class Catalogue(StoreIndex index, string folder)
{
    private const int ListedAtOnce = 1024;
    private const int TakenAtOnce = 5000;
    private readonly Lock _turn = new();

    /// <summary>Bytes on disk.</summary>
    public long DiskBytes => Directory.Exists(folder)
        ? new DirectoryInfo(folder).EnumerateFiles().Sum(file => file.Length)
        : 0;

    /// <summary>The headers that a query wants, in key order.</summary>
    /// <exception cref="RecordStoreException">The catalogue cannot be read or written.</exception>
    public List<RecordHeader> Find(RecordQuery query, CancellationToken cancellationToken)
    {
        lock (_turn)
        {
            try
            {
                return Answer(query, cancellationToken);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                return AnswerAnew(query, cancellationToken);
            }
        }
    }

    private List<RecordHeader> AnswerAnew(RecordQuery query, CancellationToken cancellationToken)
    {
        try
        {
            if (Directory.Exists(folder))
            {
                Directory.Delete(folder, recursive: true);
            }

            return Answer(query, cancellationToken);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            throw new RecordStoreException(
                DiskFault.Describe("The catalogue of the records cannot be made", folder, e), e);
        }
    }

    private List<RecordHeader> Answer(RecordQuery query, CancellationToken cancellationToken)
    {
        LogPosition end = Feed(cancellationToken);
        using var file = new CatalogueFile(folder);
        HashSet<Key> found = file.Select(query);
        var answer = new List<RecordHeader>();
        var stale = new List<Key>();
        foreach (Key key in found)
        {
            if (index.FindHeader(key) is not RecordHeader header)
            {
                stale.Add(key);
            }
            else if (query.Matches(header) && (query.After is not Key after || key > after))
            {
                answer.Add(header);
            }
        }

        Check(query, found, end);
        file.Forget(stale);
        answer.Sort((left, right) => left.Key.CompareTo(right.Key));
        return answer.Count > query.CountMax ? answer[..query.CountMax] : answer;
    }

    /// <summary>Takes in what the index has and the catalogue not, up to the present end.</summary>
    private LogPosition Feed(CancellationToken cancellationToken)
    {
        LogPosition end = index.PublishedTo;
        LogPosition begin;
        using (var file = new CatalogueFile(folder))
        {
            begin = file.ReadEnd();
        }

        if (begin.CompareTo(end) == 0)
        {
            return end;
        }

        foreach (RecordHeader[] some in index.Entries(ListedAtOnce)
            .Where(entry => begin.CompareTo(PositionOf(entry.Place)) <= 0)
            .Select(entry => entry.Header)
            .Chunk(TakenAtOnce))
        {
            cancellationToken.ThrowIfCancellationRequested();

            // Opened each time, for LiteDB gives back no memory before it is closed.
            using var file = new CatalogueFile(folder);
            file.Take(some);
        }

        using (var file = new CatalogueFile(folder))
        {
            file.WriteEnd(end);
        }

        return end;
    }

    /// <summary>What the index has had since before the catalogue was fed, the catalogue has.</summary>
    private void Check(RecordQuery query, HashSet<Key> found, LogPosition end)
    {
        bool isIncomplete = index.Entries(ListedAtOnce).Any(entry =>
            PositionOf(entry.Place).CompareTo(end) < 0
            && query.Matches(entry.Header) && !found.Contains(entry.Header.Key));
        if (isIncomplete)
        {
            throw new InvalidDataException("the catalogue lacks records that it has taken");
        }
    }

    private static LogPosition PositionOf(Place place) => new(place.Segment, place.Offset);
}
