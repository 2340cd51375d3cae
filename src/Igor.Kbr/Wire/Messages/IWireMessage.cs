using MessagePack;

namespace Igor.Kbr.Wire.Messages;

/// <summary>
/// A message between two peers: one MessagePack array of the type and the fields that each message of the
/// type has. Further ones behind them are ignored, in the array and in those inside it, so that a later
/// version may add some.
/// </summary>
internal interface IWireMessage<TSelf>
    where TSelf : struct, IWireMessage<TSelf>
{
    /// <summary>What the message begins with.</summary>
    static abstract MessageType Type { get; }

    /// <summary>How many fields there are after the type.</summary>
    static virtual int FieldCount => 1;

    /// <summary>Writes the fields after the type.</summary>
    void Write(ref MessagePackWriter writer);

    /// <summary>Reads them; what MessagePack throws at bytes that make no sense is caught.</summary>
    static abstract TSelf Read(ref MessagePackReader reader);
}
