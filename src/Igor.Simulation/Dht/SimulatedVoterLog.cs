using Igor.Dht.Protocol.Records;
using Igor.Simulation.Engine;
using Igor.Simulation.Faults;
using Igor.Simulation.Network;

namespace Igor.Simulation.Dht;

/// <summary>
/// A voter's log in virtual time, on the host's <see cref="SimulatedDisk"/>: syncs take as long as commits,
/// and a process that dies while one runs leaves some of what it would have made durable.
/// </summary>
public sealed class SimulatedVoterLog(SimulatedNode node, SimulatedStoreOptions options, SimRandom random)
{
    /// <summary>What stands on the disk of a host, whether or not it runs.</summary>
    public static VoterDisk DiskOf(SimulatedNode node)
    {
        ArgumentNullException.ThrowIfNull(node);
        return node.Disk.Open("votes", () => new VoterDisk(IncarnationOf(node)));
    }

    /// <summary>Opens the log; who had it before is dead.</summary>
    public InMemoryVoterLog Open()
    {
        VoterDisk disk = DiskOf(node);
        disk.Crash(random.NextInt(disk.Unsynced + 1));
        return new InMemoryVoterLog(disk, end => node.After(
            random.Between(options.CommitMin, options.CommitMax) + node.Disk.ExtraCommitTime, end))
        {
            SkipsSync = options.Planted == PlantedFault.ForgetPromise,
        };
    }

    // Any number does, as long as two nodes do not draw it with the same id.
    private static ulong IncarnationOf(SimulatedNode node) => (ulong)node.Index + 1;
}
