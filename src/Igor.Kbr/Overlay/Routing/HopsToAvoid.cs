namespace Igor.Kbr.Overlay.Routing;

/// <summary>Nodes that are not to get a message, or rather not.</summary>
internal readonly ref struct HopsToAvoid
{
    /// <summary>A node that must not get it; null for none.</summary>
    public Key? Excluded { get; init; }

    /// <summary>Nodes that had it before: they get it again when all others had it.</summary>
    public List<Key>? Tried { get; init; }

    /// <summary>The same, as its entry knows them.</summary>
    public Pending? Passed { get; init; }

    public bool HadIt(Key node) => Tried?.Contains(node) == true || Passed?.WasPassedTo(node) == true;
}
