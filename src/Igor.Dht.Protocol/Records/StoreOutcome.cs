namespace Igor.Dht.Protocol.Records;

/// <summary>How a write or removal ended.</summary>
public enum StoreOutcome
{
    /// <summary>On disk: it survives the death of the process and of the machine.</summary>
    Durable,

    /// <summary>A version that is the same or newer is stored already (and durable).</summary>
    Superseded,

    /// <summary>The quota leaves no room; nothing was stored.</summary>
    OverQuota,

    /// <summary>The disk is full or failed; nothing is promised. Status says what the trouble is.</summary>
    Failed,

    /// <summary>Too much waits for the disk already; nothing was stored. Try again in a moment.</summary>
    Busy,
}
