namespace Igor.Kbr.Overlay.Machines;

/// <summary>Something that is done later, and waits to be done no more than once.</summary>
internal sealed class Alarm(Timers timers, Action<TimeSpan> action)
{
    private bool _isSet;

    /// <summary>It is done at that time, or when it was to be done before.</summary>
    public void Set(TimeSpan at)
    {
        if (!_isSet)
        {
            _isSet = true;
            timers.Schedule(at, Ring);
        }
    }

    private void Ring(TimeSpan now)
    {
        _isSet = false;
        action(now);
    }
}
