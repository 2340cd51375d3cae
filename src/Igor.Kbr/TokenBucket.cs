namespace Igor.Kbr;

/// <summary>
/// A rate with room for bursts. What is taken beyond it is owed: whoever takes waits until it is paid. Time
/// comes in with each call. Not thread-safe.
/// </summary>
/// <param name="perSecond">Tokens that come back in a second.</param>
/// <param name="burst">Most tokens that gather; so many are there at first.</param>
internal sealed class TokenBucket(double perSecond, double burst)
{
    private readonly double _burst = burst;
    private double _tokens = burst;
    private TimeSpan _filledAt;

    /// <summary>Takes tokens that were used.</summary>
    /// <returns>How long to wait before more may be used; zero when that is now.</returns>
    public TimeSpan Take(TimeSpan now, double tokens)
    {
        Fill(now);
        _tokens -= tokens;
        return _tokens >= 0 ? TimeSpan.Zero : TimeSpan.FromSeconds(-_tokens / perSecond);
    }

    public bool TryTake(TimeSpan now)
    {
        bool hasOne = HasOne(now);
        _tokens -= hasOne ? 1 : 0;
        return hasOne;
    }

    public bool HasOne(TimeSpan now)
    {
        Fill(now);
        return _tokens >= 1;
    }

    /// <summary>Whether it is as good as new.</summary>
    public bool IsFull(TimeSpan now)
    {
        Fill(now);
        return _tokens >= _burst;
    }

    /// <summary>Gives a token back that was not used.</summary>
    public void Return() => _tokens = Math.Min(_burst, _tokens + 1);

    /// <summary>How long that many tokens take to come back.</summary>
    public TimeSpan TimeFor(double tokens) => TimeSpan.FromSeconds(tokens / perSecond);

    private void Fill(TimeSpan now)
    {
        _tokens = Math.Min(_burst, _tokens + ((now - _filledAt).TotalSeconds * perSecond));
        _filledAt = now;
    }
}
