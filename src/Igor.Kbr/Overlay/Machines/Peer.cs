using Igor.Kbr.Wire;

namespace Igor.Kbr.Overlay.Machines;

/// <summary>
/// A node that this one is connected to and has exchanged hellos with. What a machine finds out about it is
/// kept by that machine (<see cref="PerPeer{T}"/>).
/// </summary>
internal sealed class Peer(Key id, Link link)
{
    public Key Id { get; } = id;

    /// <summary>A small number that no other connected peer has; -1 when it is not connected.</summary>
    public int Slot { get; set; } = -1;

    public Link Link { get; set; } = link;

    public ulong Instance { get; init; }

    public ImmutableArray<string> Addresses { get; init; } = [];

    public KnownServices Services { get; } = new();

    public bool JoinsRing { get; init; }

    public TimeSpan ConnectedAt { get; init; }

    public ImmutableArray<string> FoundAt { get; set; } = [];

    /// <summary>Whether there are any.</summary>
    public bool WasDialled => !FoundAt.IsEmpty;

    /// <summary>Whether one of both opened a link to fill a slot of the finger tables.</summary>
    public bool IsForFinger { get; set; }

    /// <summary>What the host was told of it.</summary>
    public PeerStanding Standing { get; set; }

    public Contact Contact => new(Id, Addresses);

    public bool Runs(ServiceId service) => Services.Contains(service);
}
