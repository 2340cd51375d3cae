using MessagePack;

namespace Igor.Kbr.Wire.Messages;

/// <summary>
/// A message between two peers: one MessagePack array whose first field is the type. Fields behind those that
/// are known are ignored, in the array and in those inside it, so that a later version may add some.
/// </summary>
/// <typeparam name="TSelf">The message.</typeparam>
internal interface IWireMessage<TSelf>
    where TSelf : struct, IWireMessage<TSelf>
{
    /// <summary>What the message begins with.</summary>
    static abstract MessageType Type { get; }

    /// <summary>Fields after the type that have to be there; those behind them came later.</summary>
    static virtual int FieldsMin => 1;

    /// <summary>Writes the whole array.</summary>
    void Write(ref MessagePackWriter writer);

    /// <summary>
    /// Reads the fields after the type, of which there are at least <see cref="FieldsMin"/>. What lies behind
    /// the last one that is known stays unread.
    /// </summary>
    /// <exception cref="Exception">
    /// The bytes make no sense (<see cref="PeerCodec.IsDecodeFailure"/>).
    /// </exception>
    static abstract TSelf Read(ref MessagePackReader reader, int fields);
}
