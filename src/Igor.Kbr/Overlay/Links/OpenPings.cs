namespace Igor.Kbr.Overlay.Links;

/// <summary>
/// The pings that one peer has not answered, by their random numbers: what answers none of them measures
/// nothing, or a peer could say unasked how near it is.
/// </summary>
internal sealed class OpenPings
{
    /// <summary>Of more the oldest is forgotten: so many are under way only where answers are late.</summary>
    private const int CountMax = 4;

    private readonly (ulong Nonce, TimeSpan SentAt)[] _open = new (ulong, TimeSpan)[CountMax];
    private int _count;

    /// <summary>A ping was sent.</summary>
    public void Add(TimeSpan now, ulong nonce)
    {
        if (_count == CountMax)
        {
            RemoveAt(0);
        }

        _open[_count++] = (nonce, now);
    }

    /// <summary>A ping was answered: when it was sent, or null when it is none of these.</summary>
    public TimeSpan? Take(ulong nonce)
    {
        for (int i = 0; i < _count; i++)
        {
            if (_open[i].Nonce == nonce)
            {
                TimeSpan sentAt = _open[i].SentAt;
                RemoveAt(i);
                return sentAt;
            }
        }

        return null;
    }

    private void RemoveAt(int index)
    {
        _count--;
        Array.Copy(_open, index + 1, _open, index, _count - index);
    }
}
