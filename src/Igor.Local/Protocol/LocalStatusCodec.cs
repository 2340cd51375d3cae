using System.Collections.Immutable;
using Igor.Kbr;
using Igor.Kbr.Wire;
using MessagePack;

namespace Igor.Local.Protocol;

/// <summary>The fields of a node's status, behind those of the frame that carries it.</summary>
internal static class LocalStatusCodec
{
    public static void Write(ref MessagePackWriter writer, HostStatus status)
    {
        KeyCodec.Write(ref writer, status.NodeId);
        writer.Write(status.Network);
        writer.Write(status.Version);
        WriteTexts(ref writer, status.Addresses);
        writer.Write(status.IsJoined);
        writer.WriteArrayHeader(status.Peers.Length);
        foreach (PeerStatus peer in status.Peers)
        {
            WritePeer(ref writer, peer);
        }

        writer.WriteArrayHeader(status.Services.Length);
        foreach (ServiceStatus service in status.Services)
        {
            writer.WriteArrayHeader(2);
            writer.Write(service.Name);
            LocalFrameWriter.WriteNeighbours(ref writer, service.Neighbours);
        }

        writer.WriteArrayHeader(2);
        writer.Write((int)status.Ring.State);
        writer.Write(status.Ring.Reason);
        writer.WriteArrayHeader(status.Troubles.Length);
        foreach (Trouble trouble in status.Troubles)
        {
            writer.WriteArrayHeader(2);
            writer.Write(trouble.Kind);
            writer.Write(trouble.Text);
        }

        WriteFigures(ref writer, status.Figures);
    }

    /// <summary>Reads it.</summary>
    /// <param name="reader">Where it begins.</param>
    /// <param name="hasFigures">Whether the figures follow: an older daemon has none.</param>
    public static HostStatus Read(ref MessagePackReader reader, bool hasFigures)
    {
        Key node = KeyCodec.Read(ref reader);
        string network = LocalFieldReader.ReadText(ref reader);
        string version = LocalFieldReader.ReadText(ref reader);
        ImmutableArray<string> addresses = LocalFieldReader.ReadTexts(ref reader);
        reader.ReadBoolean(); // whether it is joined follows from how it stands to the ring
        ImmutableArray<PeerStatus> peers = ReadPeers(ref reader);
        ImmutableArray<ServiceStatus> services = ReadServices(ref reader);
        RingStanding ring = ReadRing(ref reader);
        ImmutableArray<Trouble> troubles = ReadTroubles(ref reader);
        OverlayFigures figures = hasFigures ? ReadFigures(ref reader) : OverlayFigures.Unknown;
        return new HostStatus(
            node, network, version, addresses, ring, peers, services, troubles, figures);
    }

    private static void WriteFigures(ref MessagePackWriter writer, OverlayFigures figures)
    {
        writer.WriteArrayHeader(5);
        writer.Write(figures.Links);
        writer.Write(figures.LinksMax);
        writer.Write(figures.IsBusy);
        writer.Write(figures.RingSize);
        writer.Write(figures.UpkeepBytesPerSecond);
    }

    private static OverlayFigures ReadFigures(ref MessagePackReader reader)
    {
        int rest = LocalFieldReader.ReadElement(ref reader, 5);
        var figures = new OverlayFigures(
            reader.ReadInt32(),
            reader.ReadInt32(),
            reader.ReadBoolean(),
            reader.ReadDouble(),
            reader.ReadDouble());
        FurtherFields.Skip(ref reader, rest);
        return figures;
    }

    private static void WritePeer(ref MessagePackWriter writer, PeerStatus peer)
    {
        writer.WriteArrayHeader(6);
        KeyCodec.Write(ref writer, peer.Id);
        WriteTexts(ref writer, peer.Addresses);
        WriteTexts(ref writer, peer.Services);
        writer.Write(peer.IsNeighbour);
        writer.Write(peer.IsFinger);
        if (peer.RoundTrip is { } roundTrip)
        {
            writer.Write((long)roundTrip.TotalMicroseconds);
        }
        else
        {
            writer.WriteNil();
        }
    }

    private static void WriteTexts(ref MessagePackWriter writer, ImmutableArray<string> texts)
    {
        writer.WriteArrayHeader(texts.Length);
        foreach (string text in texts)
        {
            writer.Write(text);
        }
    }

    private static ImmutableArray<PeerStatus> ReadPeers(ref MessagePackReader reader)
    {
        int length = LocalFieldReader.ReadListLength(ref reader);
        ImmutableArray<PeerStatus>.Builder peers = ImmutableArray.CreateBuilder<PeerStatus>(length);
        for (int i = 0; i < length; i++)
        {
            int rest = LocalFieldReader.ReadElement(ref reader, 6);
            peers.Add(new PeerStatus(
                KeyCodec.Read(ref reader),
                LocalFieldReader.ReadTexts(ref reader),
                LocalFieldReader.ReadTexts(ref reader),
                reader.ReadBoolean(),
                reader.ReadBoolean(),
                reader.TryReadNil() ? null : TimeSpan.FromMicroseconds(reader.ReadInt64())));
            FurtherFields.Skip(ref reader, rest);
        }

        return peers.MoveToImmutable();
    }

    private static ImmutableArray<ServiceStatus> ReadServices(ref MessagePackReader reader)
    {
        int length = LocalFieldReader.ReadListLength(ref reader);
        ImmutableArray<ServiceStatus>.Builder services = ImmutableArray.CreateBuilder<ServiceStatus>(length);
        for (int i = 0; i < length; i++)
        {
            int rest = LocalFieldReader.ReadElement(ref reader, 2);
            services.Add(new ServiceStatus(
                LocalFieldReader.ReadText(ref reader), LocalFieldReader.ReadNeighbours(ref reader)));
            FurtherFields.Skip(ref reader, rest);
        }

        return services.MoveToImmutable();
    }

    private static RingStanding ReadRing(ref MessagePackReader reader)
    {
        int rest = LocalFieldReader.ReadElement(ref reader, 2);
        int state = LocalFieldReader.ReadNumber(ref reader, 0, (int)RingState.Alone, "state of the ring");
        var ring = new RingStanding((RingState)state, LocalFieldReader.ReadText(ref reader));
        FurtherFields.Skip(ref reader, rest);
        return ring;
    }

    private static ImmutableArray<Trouble> ReadTroubles(ref MessagePackReader reader)
    {
        int length = LocalFieldReader.ReadListLength(ref reader);
        ImmutableArray<Trouble>.Builder troubles = ImmutableArray.CreateBuilder<Trouble>(length);
        for (int i = 0; i < length; i++)
        {
            int rest = LocalFieldReader.ReadElement(ref reader, 2);
            troubles.Add(new Trouble(
                LocalFieldReader.ReadText(ref reader), LocalFieldReader.ReadText(ref reader)));
            FurtherFields.Skip(ref reader, rest);
        }

        return troubles.MoveToImmutable();
    }
}
