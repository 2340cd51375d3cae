namespace Igor.Kbr.Overlay.Machines;

/// <summary>Hears of signs of life: nearly every frame is one, and few machines care.</summary>
internal interface IHearsSigns
{
    /// <summary>A peer showed that it lives and, mostly, what its clock shows.</summary>
    void HandleSign(TimeSpan now, Peer peer, in SignOfLife sign);
}
