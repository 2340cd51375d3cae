using MessagePack;

namespace Igor.Kbr.Wire.Messages;

/// <summary>The first message in either direction: who this is, and what it runs.</summary>
internal readonly record struct HelloMessage() : IWireMessage<HelloMessage>
{
    /// <summary>A longer list is left out.</summary>
    public const int ServicesListedMax = 8;

    /// <summary>Nothing runs for longer than that, a century.</summary>
    private const ulong AgeMsMax = 100UL * 366 * 24 * 3600 * 1000;

    public static MessageType Type => MessageType.Hello;

    public static int FieldCount => 12;

    public int VersionMin { get; init; } = WireLimits.ProtocolVersion;

    public int VersionMax { get; init; } = WireLimits.ProtocolVersion;

    public required string Network { get; init; }

    /// <summary>Differs between two runs of one node: a link to an earlier one is recognised.</summary>
    public required ulong Instance { get; init; }

    public required ImmutableArray<string> Addresses { get; init; }

    public string Agent { get; init; } = "igor";

    public bool JoinsRing { get; init; } = true;

    public required ulong ServicesVersion { get; init; }

    /// <summary>
    /// The services that the sender is an active member of; default when they are too many for each
    /// connection, and are asked for (<see cref="ServicesQueryMessage"/>).
    /// </summary>
    public required ImmutableArray<ServiceId> Services { get; init; }

    /// <summary>The same as the message that tells it alone; of version 0 when it is not told.</summary>
    internal ServicesMessage Runs =>
        Services.IsDefault ? new(0, 0, [], []) : new(0, ServicesVersion, Services, []);

    /// <summary>What the sender's wall clock shows, in milliseconds since 1970 UTC; 0 when unknown.</summary>
    public long WallClockMs { get; init; }

    public TimeSpan Age { get; init; }

    /// <summary>What it dialled for; of no meaning from the end that was dialled.</summary>
    public LinkPurpose Purpose { get; init; }

    public void Write(ref MessagePackWriter writer)
    {
        writer.Write(VersionMin);
        writer.Write(VersionMax);
        writer.Write(Network);
        writer.Write(Instance);
        PeerCodec.WriteAddresses(ref writer, Addresses);
        writer.Write(Agent);
        writer.Write(JoinsRing);
        writer.Write(ServicesVersion);
        if (Services.IsDefault)
        {
            writer.WriteNil();
        }
        else
        {
            PeerCodec.WriteServices(ref writer, Services);
        }

        writer.Write(WallClockMs);
        writer.Write((ulong)Age.TotalMilliseconds);
        writer.Write((int)Purpose);
    }

    public static HelloMessage Read(ref MessagePackReader reader) => new()
    {
        VersionMin = reader.ReadInt32(),
        VersionMax = reader.ReadInt32(),
        Network = PeerCodec.ReadText(ref reader, WireLimits.TextLengthMax),
        Instance = reader.ReadUInt64(),
        Addresses = PeerCodec.ReadAddresses(ref reader),
        Agent = PeerCodec.ReadText(ref reader, WireLimits.TextLengthMax),
        JoinsRing = reader.ReadBoolean(),
        ServicesVersion = reader.ReadUInt64(),
        Services = reader.TryReadNil() ? default : PeerCodec.ReadServices(ref reader),
        WallClockMs = PeerCodec.ReadWallClock(ref reader),
        Age = TimeSpan.FromMilliseconds(Math.Min(reader.ReadUInt64(), AgeMsMax)),
        Purpose = (LinkPurpose)reader.ReadInt32(),
    };
}
