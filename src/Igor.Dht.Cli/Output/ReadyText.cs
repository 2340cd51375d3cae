using Igor.Kbr;

namespace Igor.Dht.Cli;

/// <summary>The line that says that a node serves; scripts wait for it.</summary>
internal static class ReadyText
{
    /// <summary>"ready", the addresses, and where the rest is.</summary>
    public static string Human(DhtStatus status)
    {
        var words = new List<string> { "ready" };
        words.AddRange(status.Addresses);
        words.Add($"node={status.NodeId}");
        if (status.Socket is { } socket)
        {
            words.Add($"socket={socket}");
        }

        return PrintableText.Of(string.Join(' ', words));
    }

    /// <summary>The same as an object, whose member "ready" is true.</summary>
    public static string Json(DhtStatus status) => JsonText.Object(writer =>
    {
        writer.WriteBoolean("ready", true);
        JsonText.Texts(writer, "addresses", status.Addresses);
        writer.WriteString("nodeId", status.NodeId.ToString());
        writer.WriteString("socket", status.Socket);
    });
}
