namespace Igor.Node.Reporting;

/// <summary>
/// Running totals of a node. Written on the strand only, so that counting costs an addition; read from
/// anywhere.
/// </summary>
internal sealed class NodeCounters
{
    private readonly long[] _requests = new long[Enum.GetValues<Kbr.KbrStatus>().Length];
    private long _framesReceived;
    private long _bytesReceived;
    private long _framesSent;
    private long _bytesSent;

    /// <summary>Frames received.</summary>
    public long FramesReceived => Volatile.Read(ref _framesReceived);

    /// <summary>Bytes of frames received, lengths included.</summary>
    public long BytesReceived => Volatile.Read(ref _bytesReceived);

    /// <summary>Frames handed to a link.</summary>
    public long FramesSent => Volatile.Read(ref _framesSent);

    /// <summary>Bytes of frames handed to a link, lengths included.</summary>
    public long BytesSent => Volatile.Read(ref _bytesSent);

    /// <summary>Requests of local applications that ended with a status.</summary>
    public long Requests(Kbr.KbrStatus status) => Volatile.Read(ref _requests[(int)status]);

    /// <summary>Counts a frame received.</summary>
    public void CountReceived(int bytes)
    {
        _framesReceived++;
        _bytesReceived += bytes;
    }

    /// <summary>Counts a frame sent.</summary>
    public void CountSent(int bytes)
    {
        _framesSent++;
        _bytesSent += bytes;
    }

    /// <summary>Counts a request that ended.</summary>
    public void CountRequest(Kbr.KbrStatus status) => _requests[(int)status]++;
}
