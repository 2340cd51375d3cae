namespace Igor.Node;

/// <summary>
/// Counts the connections of a node, handshakes included, and says when there are too many.
/// </summary>
internal sealed class ConnectionSlots(int most)
{
    private int _taken;

    /// <summary>Number of connections.</summary>
    public int Taken => Volatile.Read(ref _taken);

    /// <summary>Takes a slot if one is free.</summary>
    public bool TryTake()
    {
        if (Interlocked.Increment(ref _taken) <= most)
        {
            return true;
        }

        Return();
        return false;
    }

    /// <summary>Gives a slot back.</summary>
    public void Return() => Interlocked.Decrement(ref _taken);
}
