namespace Igor.Kbr.Overlay.Machines;

/// <summary>What a peer said that shows that it lives.</summary>
/// <param name="AskedAt">When it was asked whether it lives; null when it said so unasked.</param>
/// <param name="WallClockMs">What its wall clock shows, in milliseconds since 1970 UTC; 0 if unknown.</param>
internal readonly record struct SignOfLife(TimeSpan? AskedAt, long WallClockMs);

/// <summary>Hears of signs of life: nearly every frame is one, and few machines care.</summary>
internal interface IHearsSigns
{
    /// <summary>A peer showed that it lives and, mostly, what its clock shows.</summary>
    void HandleSign(TimeSpan now, Peer peer, in SignOfLife sign);
}
