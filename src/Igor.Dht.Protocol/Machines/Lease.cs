using Igor.Kbr;

namespace Igor.Dht.Protocol.Machines;

/// <summary>
/// What is held in memory while one request is served: the record that it brought, or those of its answer.
/// Counted as held for the peer that handed the request over, so that one who asks for much is refused before
/// others are. Ended once, when the request has been served.
/// </summary>
internal sealed class Lease(IDhtOutput output, Key via)
{
    private int _bytes;

    /// <summary>Takes bytes; false when there are none for that peer: the answer is "busy".</summary>
    public bool TryAdd(int bytes)
    {
        if (!output.TryHold(via, bytes))
        {
            return false;
        }

        _bytes += bytes;
        return true;
    }

    /// <summary>Gives back what was taken.</summary>
    public void End()
    {
        if (_bytes > 0)
        {
            output.Release(via, _bytes);
            _bytes = 0;
        }
    }
}
