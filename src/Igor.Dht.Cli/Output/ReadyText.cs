using Igor.Kbr;

namespace Igor.Dht.Cli.Output;

/// <summary>The line that says that a node serves; scripts wait for it.</summary>
internal static class ReadyText
{
    /// <summary>
    /// "ready", the addresses, and where the rest is; "ready alone", the reason and the same where the node
    /// reaches none of those that it was given to join or knows.
    /// </summary>
    public static string Human(DhtStatus status)
    {
        var words = new List<string> { "ready" };
        if (status.Ring.State == RingState.Alone)
        {
            words.Add($"alone {status.Ring.Reason};");
        }

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
        StatusText.WriteRing(writer, status.Ring);
        JsonText.Texts(writer, "addresses", status.Addresses);
        writer.WriteString("nodeId", status.NodeId.ToString());
        writer.WriteString("socket", status.Socket);
    });
}
