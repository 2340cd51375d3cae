namespace Igor.Local.Sockets;

/// <summary>The share of memory that the frames of a connection come out of. Thread-safe.</summary>
internal interface IFrameBytes
{
    /// <summary>How often a frame that there is no room for looks again.</summary>
    static readonly TimeSpan RoomPoll = TimeSpan.FromMilliseconds(50);

    /// <summary>Takes bytes; false, with nothing taken, when that is more than the share.</summary>
    bool TryTake(int bytes);

    /// <summary>
    /// Takes bytes of a frame that is being received: what is held otherwise must not keep it from being
    /// read, for it may be what ends that.
    /// </summary>
    /// <param name="bytes">How many.</param>
    /// <param name="isRetry">Whether they were refused before: that is one refusal.</param>
    bool TryTakeIncoming(int bytes, bool isRetry);

    /// <summary>Gives bytes of a frame back that was received.</summary>
    void ReturnIncoming(int bytes);

    /// <summary>Takes bytes that are bounded otherwise.</summary>
    void Take(int bytes);

    /// <summary>Gives bytes back.</summary>
    void Return(int bytes);
}
