using System.Globalization;
using System.Text;
using System.Text.Json;
using Igor.Dht.Cli.Values;
using Igor.Kbr;

namespace Igor.Dht.Cli.Output;

/// <summary>How the status of a node looks.</summary>
internal static class StatusText
{
    /// <summary>A node sees all of a ring of fewer nodes; how many a larger one has it estimates.</summary>
    private const int EstimatedFrom = 18;

    /// <summary>The status for people: a line for each thing.</summary>
    public static string Human(DhtStatus status)
    {
        var text = new StringBuilder();
        Line(text, "node", $"{status.NodeId} ({RoleOf(status.Attachment)})");
        Line(text, "network", status.Network);
        Line(text, "addresses", string.Join(", ", status.Addresses));
        Line(text, "socket", status.Socket);
        Line(text, "data", status.Data);
        Line(text, "ring", RingOf(status));
        Line(text, "nodes", NodesOf(status));
        Line(text, "links", LinksOf(status.Figures));
        Line(text, "upkeep", $"{Number((long)Math.Round(status.Figures.UpkeepBytesPerSecond))} bytes/s");
        Line(text, "neighbours", Number(status.Neighbours.Count));
        foreach (Key neighbour in status.Neighbours)
        {
            Line(text, string.Empty, neighbour.ToString());
        }

        Line(text, "missing", string.Join(", ", status.Missing.Select(id => id.ToShortString())));
        if (status.Store is { } store)
        {
            Line(text, "records", Number(store.Records));
            string alive = Quantity.Bytes(store.LiveBytes);
            Line(text, "bytes", $"{alive} alive, {Quantity.Bytes(store.DiskBytes)} on disk");
            Line(text, "replicas", ReplicasOf(status));
            Line(text, "rebuilt", store.Rebuilt);
        }

        Line(
            text, "trouble", string.Join("; ", status.Troubles.Select(t => t.Text).DefaultIfEmpty("none")));
        return text.ToString().TrimEnd('\n');
    }

    /// <summary>The status for programs.</summary>
    public static string Json(DhtStatus status) => JsonText.Object(writer =>
    {
        writer.WriteString("nodeId", status.NodeId.ToString());
        writer.WriteString(
            "attachment", JsonNamingPolicy.CamelCase.ConvertName(status.Attachment.ToString()));
        writer.WriteString("network", status.Network);
        JsonText.Texts(writer, "addresses", status.Addresses);
        writer.WriteString("socket", status.Socket);
        writer.WriteString("data", status.Data);
        WriteRing(writer, status.Ring);
        WriteFigures(writer, status.Figures);
        writer.WriteBoolean("isJoined", status.IsJoined);
        writer.WriteBoolean("isHealthy", status.IsHealthy);
        writer.WriteBoolean("isSettled", status.IsSettled);
        writer.WriteBoolean("isReplicated", status.IsReplicated);
        writer.WriteNumber("refusedMessages", status.RefusedMessages);
        writer.WriteNumber("refusedRecords", status.RefusedRecords);
        JsonText.Texts(writer, "neighbours", status.Neighbours.Select(id => id.ToString()));
        JsonText.Texts(writer, "missing", status.Missing.Select(id => id.ToString()));
        if (status.Store is { } store)
        {
            writer.WriteStartObject("store");
            writer.WriteNumber("records", store.Records);
            writer.WriteNumber("liveBytes", store.LiveBytes);
            writer.WriteNumber("diskBytes", store.DiskBytes);
            writer.WriteNumber("damagedRecords", store.DamagedRecords);
            writer.WriteString("rebuilt", store.Rebuilt);
            writer.WriteEndObject();
        }

        WriteTroubles(writer, status.Troubles);
    });

    /// <summary>How a node stands to the ring: "ring", and where it is alone "aloneReason".</summary>
    public static void WriteRing(Utf8JsonWriter writer, RingStanding ring)
    {
        writer.WriteString("ring", JsonNamingPolicy.CamelCase.ConvertName(ring.State.ToString()));
        if (ring.State == RingState.Alone)
        {
            writer.WriteString("aloneReason", ring.Reason);
        }
    }

    private static void WriteFigures(Utf8JsonWriter writer, OverlayFigures figures)
    {
        writer.WriteNumber("ringSizeEstimate", Math.Round(figures.RingSize));
        writer.WriteNumber("links", figures.Links);
        writer.WriteNumber("linksMax", figures.LinksMax);
        writer.WriteBoolean("isBusy", figures.IsBusy);
        writer.WriteNumber("upkeepBytesPerSecond", Math.Round(figures.UpkeepBytesPerSecond, 1));
    }

    private static void WriteTroubles(Utf8JsonWriter writer, IReadOnlyList<Trouble> troubles)
    {
        writer.WriteStartArray("troubles");
        foreach (Trouble trouble in troubles)
        {
            writer.WriteStartObject();
            writer.WriteString("kind", trouble.Kind);
            writer.WriteString("text", trouble.Text);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static string RingOf(DhtStatus status) => status.Ring switch
    {
        { State: RingState.Alone } alone => $"alone: {alone.Reason}",
        { IsJoined: true } when !status.IsJoined => "joined; not yet in that of the DHT",
        { State: RingState.Founded } => "founded by this node",
        { State: RingState.Joined } => "joined",
        _ => "joining",
    };

    // Few are counted; of many one sees how densely they lie.
    private static string? NodesOf(DhtStatus status) => Math.Round(status.Figures.RingSize) switch
    {
        0 => null,
        < EstimatedFrom and var few => Number((long)few),
        var many => $"about {Number((long)many)}",
    };

    private static string LinksOf(OverlayFigures figures) =>
        $"{Number(figures.Links)} of at most {Number(figures.LinksMax)}"
        + (figures.IsBusy ? "; busy, takes only new neighbours" : string.Empty);

    private static string ReplicasOf(DhtStatus status) => (status.IsSettled, status.IsReplicated) switch
    {
        _ when status.Ring.State == RingState.Alone => "not known while the node is alone",
        (true, true) => "complete",
        (true, false) => "synchronising; nothing is missed",
        _ => "synchronising; reads ask several nodes",
    };

    private static string RoleOf(DhtAttachment attachment) => attachment switch
    {
        DhtAttachment.DaemonClient => "this process is its client",
        DhtAttachment.DaemonMember => "this process keeps its records",
        DhtAttachment.EmbeddedClient => "in this process, without records",
        _ => "in this process, with records",
    };

    private static void Line(StringBuilder text, string name, string? content)
    {
        if (!string.IsNullOrEmpty(content))
        {
            text.Append(name.PadRight(12)).Append(PrintableText.Of(content)).Append('\n');
        }
    }

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);
}
