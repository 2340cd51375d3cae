using Igor.Dht.Protocol.Records;
using Igor.Dht.Storage.OnDisk;
using Igor.Dht.Storage.Opening;
using Igor.Dht.Storage.Segments;
using Igor.Dht.Storage.State;
using Igor.Dht.Storage.Upkeep;
using Igor.Dht.Storage.Writing;
using Igor.Kbr;

namespace Igor.Dht.Storage.Tests;

/// <summary>The parts of a store without its threads: the test says what happens when.</summary>
internal sealed class HandDrivenStore : IDisposable
{
    public HandDrivenStore(RecordStoreOptions options)
    {
        Directory.CreateDirectory(options.Folder);
        Context = StoreOpening.Open(options);
        Batch = new WriteBatch(Context);
        Compactor = new Compactor(Context);
    }

    public StoreContext Context { get; }

    public WriteBatch Batch { get; }

    public Compactor Compactor { get; }

    public SegmentLog Log => Context.Log;

    public void Dispose()
    {
        Compactor.Dispose();
        Log.Dispose();
    }

    public StoreOutcome? Write(params Record[] records)
    {
        StoreOutcome? last = null;
        foreach (Record record in records)
        {
            Batch.Take(new StoreCommand(StoreCommandKind.Write)
            {
                Record = record,
                Completed = outcome => last = outcome,
            });
        }

        Batch.Commit();
        return last;
    }

    /// <summary>Puts a record in the place of one of a newer version.</summary>
    public void Replace(Record record, Record held)
    {
        Batch.Take(new StoreCommand(StoreCommandKind.Write)
        {
            Record = record,
            Version = held.Header.Version,
            Completed = outcome => Assert.Equal(StoreOutcome.Durable, outcome),
        });
        Batch.Commit();
    }

    public void Remove(Record record)
    {
        Batch.Take(new StoreCommand(StoreCommandKind.Remove)
        {
            Key = record.Header.Key,
            Version = record.Header.Version,
        });
        Batch.Commit();
    }

    /// <summary>Writes down what the opening found lost.</summary>
    public void RecordLosses()
    {
        foreach ((Key key, RecordVersion version) in Context.Unrecorded)
        {
            Batch.Take(new StoreCommand(StoreCommandKind.Lost)
            {
                Key = key,
                Version = version,
                Completed = _ => { },
            });
        }

        Batch.Commit();
        Log.Force();
    }

    /// <summary>Writes the hints that the upkeep would write.</summary>
    public void WriteHints()
    {
        var keeper = new HintKeeper(Context);
        while (keeper.Step())
        {
        }
    }

    /// <summary>Compacts a segment up to where only its deletion is left to do.</summary>
    public void Empty(int segment)
    {
        Compactor.Begin(segment);
        while (Compactor.IsCopying)
        {
            Compactor.Step(Batch);
        }

        Batch.Commit();
        Compactor.Committed();
    }

    public Record? Read(Key key)
    {
        using var writer = new Writing.StoreWriter(Context); // one that takes down nothing
        Record? read = null;
        new RecordReader(Context, writer).Read(key, record => read = record);
        return read;
    }

    /// <summary>Copies what is left of the segments when the machine loses power at this moment.</summary>
    public void CutPower(string folder)
    {
        string segments = Directory.CreateDirectory(StoreOpening.SegmentsIn(folder)).FullName;
        foreach (Segment segment in Log.Segments)
        {
            byte[] bytes = new byte[segment.SyncedLength];
            Assert.Equal(bytes.Length, segment.Read(bytes, 0));
            File.WriteAllBytes(Path.Combine(segments, Path.GetFileName(segment.FilePath)), bytes);
        }

        CopyHints(folder);
    }

    /// <summary>Copies the segments as a killed process leaves them, with what is not on disk yet.</summary>
    public void Kill(string folder)
    {
        string segments = Directory.CreateDirectory(StoreOpening.SegmentsIn(folder)).FullName;
        foreach (Segment segment in Log.Segments)
        {
            File.Copy(segment.FilePath, Path.Combine(segments, Path.GetFileName(segment.FilePath)));
        }

        CopyHints(folder);
    }

    /// <summary>Each hint is on disk before it has its name.</summary>
    private void CopyHints(string folder)
    {
        string hints = Directory.CreateDirectory(StoreOpening.HintsIn(folder)).FullName;
        foreach (string hint in Directory.GetFiles(Context.HintsFolder))
        {
            File.Copy(hint, Path.Combine(hints, Path.GetFileName(hint)));
        }
    }
}
