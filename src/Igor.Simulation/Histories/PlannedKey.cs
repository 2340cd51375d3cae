using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Simulation.Histories;

/// <summary>A key that clients call.</summary>
/// <param name="Name">Its name.</param>
/// <param name="IsRegister">Whether it is a register; else a `value`.</param>
/// <param name="Replicas">Copies that writes of a `value` ask for.</param>
internal sealed record PlannedKey(string Name, bool IsRegister, int Replicas)
{
    public Key Key { get; } = IsRegister ? DhtKey.ForRegister(Name) : DhtKey.ForValue(Name);

    public override string ToString() => (IsRegister ? "register " : "value ") + Name;
}
