namespace Igor.Kbr.Overlay.Rings;

/// <summary>
/// The nodes at a distance from 2^Exponent to below 2^(Exponent + 1) on one side of a node.
/// </summary>
internal readonly record struct FingerSlot(int Exponent, bool IsClockwise);
