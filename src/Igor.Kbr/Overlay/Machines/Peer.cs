using System.Collections.Immutable;
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

    /// <summary>The link that frames are sent on.</summary>
    public Link Link { get; set; } = link;

    public ulong Instance { get; init; }

    public ImmutableArray<string> Addresses { get; init; } = [];

    /// <summary>In order of id.</summary>
    public ImmutableArray<ServiceName> Services { get; private set; } = [];

    public ulong ServicesVersion { get; private set; }

    public bool JoinsRing { get; init; }

    public TimeSpan ConnectedAt { get; init; }

    /// <summary>Whether this node has found it at an address that it dialled.</summary>
    public bool WasDialled { get; set; }

    /// <summary>What the host was told of it.</summary>
    public PeerStanding Standing { get; set; }

    public Contact Contact => new(Id, Addresses);

    public bool Runs(ServiceId service)
    {
        int low = 0;
        int high = Services.Length - 1;
        while (low <= high)
        {
            int middle = (low + high) >>> 1;
            int order = Services[middle].Id.Value.CompareTo(service.Value);
            if (order == 0)
            {
                return true;
            }

            (low, high) = order < 0 ? (middle + 1, high) : (low, middle - 1);
        }

        return false;
    }

    /// <summary>
    /// Takes a list of services unless a newer one is known (it may have come over another link).
    /// </summary>
    public bool TryUpdateServices(ulong version, ImmutableArray<ServiceName> services)
    {
        if (version <= ServicesVersion)
        {
            return false;
        }

        ServicesVersion = version;
        Services = services.Sort((a, b) => a.Id.Value.CompareTo(b.Id.Value));
        return true;
    }
}
