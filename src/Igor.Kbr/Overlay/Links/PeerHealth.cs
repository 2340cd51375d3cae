namespace Igor.Kbr.Overlay.Links;

/// <summary>What is to be done about a peer of which nothing was heard.</summary>
internal enum HealthStep
{
    None,

    /// <summary>Ask it whether it lives.</summary>
    Ask,

    /// <summary>It has not answered at once: those who would miss it too may as well ask.</summary>
    Tell,

    Bury,
}

/// <summary>How long a peer may be quiet.</summary>
/// <param name="Quiet">When nothing came for this long it is asked.</param>
/// <param name="Answer">It is dead when nothing comes for this long after that.</param>
/// <param name="Telling">
/// Others are told when nothing comes for this long after it; null when they are not to be told.
/// </param>
internal sealed record HealthLimits(TimeSpan Quiet, TimeSpan Answer, TimeSpan? Telling);

/// <summary>
/// Whether one peer lives, as a machine of three states: heard of, asked, told of. Any frame takes it back to
/// the first. Limits come in with each step: they change when the peer becomes an adjacent neighbour.
/// </summary>
internal class PeerHealth
{
    private HealthLimits? _given;

    public TimeSpan HeardAt { get; private set; }

    /// <summary>When it was asked whether it lives; null when something came since.</summary>
    public TimeSpan? AskedAt { get; private set; }

    public bool WasTold { get; private set; }

    public void Hear(TimeSpan now)
    {
        HeardAt = now;
        AskedAt = null;
        _given = null;
        WasTold = false;
    }

    /// <summary>
    /// It is asked now, for whatever reason, unless it was before; returns whether it was not. Until it is
    /// heard again the limits given hold in place of those that come in.
    /// </summary>
    public bool TryAsk(TimeSpan now, HealthLimits? limits = null)
    {
        _given = limits is not null && _given is { } given
            ? limits with { Answer = given.Answer, Telling = given.Telling ?? limits.Telling }
            : limits ?? _given;
        bool isNew = AskedAt is null;
        AskedAt ??= now;
        return isNew;
    }

    /// <summary>When <see cref="Step"/> has something to do, if nothing comes until then.</summary>
    public TimeSpan DueAt(HealthLimits limits)
    {
        if (AskedAt is not { } asked)
        {
            return HeardAt + limits.Quiet;
        }

        TimeSpan answer = (_given ?? limits).Answer;
        TimeSpan? telling = _given?.Telling ?? limits.Telling;
        return asked + (!WasTold && telling < answer ? telling.Value : answer);
    }

    public HealthStep Step(TimeSpan now, HealthLimits limits)
    {
        if (now < DueAt(limits))
        {
            return HealthStep.None;
        }

        if (AskedAt is not { } asked)
        {
            AskedAt = now;
            return HealthStep.Ask;
        }

        if (now >= asked + (_given ?? limits).Answer)
        {
            return HealthStep.Bury;
        }

        WasTold = true;
        return HealthStep.Tell;
    }
}
