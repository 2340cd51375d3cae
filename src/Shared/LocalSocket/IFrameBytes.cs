namespace Igor.LocalSocket;

/// <summary>The share of memory that the frames of a connection come out of. Thread-safe.</summary>
internal interface IFrameBytes
{
    /// <summary>Takes bytes; false, with nothing taken, when that is more than the share.</summary>
    bool TryTake(int bytes);

    /// <summary>Takes bytes that are bounded otherwise.</summary>
    void Take(int bytes);

    /// <summary>Gives bytes back.</summary>
    void Return(int bytes);
}
