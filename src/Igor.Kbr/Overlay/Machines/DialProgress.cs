namespace Igor.Kbr.Overlay.Machines;

/// <summary>How far a host came with a dial's addresses; the default when the first one answered.</summary>
/// <param name="Winner">The place of the address that led to the node.</param>
/// <param name="Later">How many addresses after that were begun all the same.</param>
public readonly record struct DialProgress(int Winner, int Later = 0);
