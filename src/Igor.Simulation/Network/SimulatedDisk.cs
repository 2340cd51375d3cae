using Igor.Kbr;

namespace Igor.Simulation.Network;

/// <summary>
/// What a host keeps when its process dies: the identity, the peers it knew, and whatever applications open
/// here. A host that loses its disk gets a new one, and with it a new identity.
/// </summary>
public sealed class SimulatedDisk
{
    private readonly Dictionary<string, object> _content = [];

    internal SimulatedDisk(Key nodeId) => NodeId = nodeId;

    /// <summary>The identity.</summary>
    public Key NodeId { get; }

    /// <summary>Whether it takes nothing more: writes fail, what is there can be read.</summary>
    public bool IsFull { get; set; }

    /// <summary>How much longer than usual whatever is made durable takes.</summary>
    public TimeSpan ExtraCommitTime { get; set; }

    /// <summary>Members of the ring that the process knew when it ended.</summary>
    public IReadOnlyList<KnownMember> KnownMembers { get; internal set; } = [];

    /// <summary>What an application keeps under a name, made at first use.</summary>
    public T Open<T>(string name, Func<T> create)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(create);
        if (!_content.TryGetValue(name, out object? content))
        {
            content = create();
            _content.Add(name, content);
        }

        return (T)content;
    }
}
