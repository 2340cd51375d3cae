namespace Igor.Kbr.Overlay.Rings;

/// <summary>The nodes at a distance from 2^Exponent to below twice that, on one side of a node.</summary>
internal readonly record struct FingerSlot(int Exponent, bool IsClockwise);
