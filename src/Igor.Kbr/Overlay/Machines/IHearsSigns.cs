namespace Igor.Kbr.Overlay.Machines;

/// <summary>
/// A machine that wants to know when peers show that they live. Nearly every frame is such a sign, and few
/// machines care.
/// </summary>
internal interface IHearsSigns
{
    /// <summary>A peer showed that it lives and, mostly, what its clock shows.</summary>
    void HandleSign(TimeSpan now, Peer peer, in SignOfLife sign);
}
