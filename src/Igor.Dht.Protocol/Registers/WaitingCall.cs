using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Views;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Registers;

/// <summary>A call that waits here for its answer, and the memory that it takes.</summary>
internal sealed record WaitingCall(
    RegisterOperation Operation, TimeSpan Budget, int Hops, DeliveryToken Token, Lease Lease);
