using Igor.Dht.Protocol.Records;
using Igor.Dht.Storage.Segments;
using Igor.Kbr;

namespace Igor.Dht.Storage.Writing;

/// <summary>What the writer is asked to do.</summary>
internal enum StoreCommandKind
{
    /// <summary>Store a record.</summary>
    Write,

    /// <summary>Forget a record.</summary>
    Remove,

    /// <summary>Forget a record that is damaged, if it still lies where it was found.</summary>
    Quarantine,

    /// <summary>Write down that a version is lost, unless its key was written again since.</summary>
    Lost,

    /// <summary>Keep a note.</summary>
    Note,

    /// <summary>Compact a segment.</summary>
    Compact,

    /// <summary>Run something while nothing else is written.</summary>
    Exclusive,
}

/// <summary>A request to the writer; which fields count depends on its kind.</summary>
internal readonly record struct StoreCommand(StoreCommandKind Kind)
{
    /// <summary>The record to store.</summary>
    public Record? Record { get; init; }

    /// <summary>The key to forget.</summary>
    public Key Key { get; init; }

    /// <summary>
    /// The newest version to forget; of a record to store, the newer version whose place it takes.
    /// </summary>
    public RecordVersion Version { get; init; }

    /// <summary>The place of a damaged record, or the segment to compact.</summary>
    public Place Place { get; init; }

    /// <summary>The name of a note.</summary>
    public string? Name { get; init; }

    /// <summary>The content of a note.</summary>
    public byte[]? Content { get; init; }

    /// <summary>Whom to tell how it ended.</summary>
    public Action<StoreOutcome>? Completed { get; init; }

    /// <summary>What to run.</summary>
    public Action? Action { get; init; }

    /// <summary>Bytes that the command holds while it waits.</summary>
    public int Bytes => 64 + (Record?.Encoded.Length ?? 0) + (Content?.Length ?? 0);
}
