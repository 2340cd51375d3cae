using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Igor.Kbr;
using Igor.Node;

namespace Igor.Daemon;

/// <summary>The lines that scripts read: that the daemon serves, or why it cannot run.</summary>
internal static class ReadyLine
{
    /// <summary>
    /// "ready", the addresses, the node's id and the socket, with JSON the same as an object; "ready alone"
    /// and the reason before them where the node reaches none of those that it was given to join or knows.
    /// </summary>
    public static string Of(IgorNode node, RingStanding ring, string socket, bool isJson)
    {
        bool isAlone = ring.State == RingState.Alone;
        if (!isJson)
        {
            string ready = isAlone ? $"ready alone {ring.Reason};" : "ready";
            return PrintableText.Of(string.Join(
                ' ', [ready, .. node.Addresses, $"node={node.NodeId}", $"socket={socket}"]));
        }

        return Json(writer =>
        {
            writer.WriteBoolean("ready", true);
            writer.WriteString("ring", JsonNamingPolicy.CamelCase.ConvertName(ring.State.ToString()));
            if (isAlone)
            {
                writer.WriteString("aloneReason", ring.Reason);
            }

            writer.WriteStartArray("addresses");
            foreach (string address in node.Addresses)
            {
                writer.WriteStringValue(address);
            }

            writer.WriteEndArray();
            writer.WriteString("nodeId", node.NodeId.ToString());
            writer.WriteString("socket", socket);
        });
    }

    /// <summary>One line for a failure.</summary>
    public static string Of(DaemonFailure failure, bool isJson)
    {
        string line = failure.Message.ReplaceLineEndings(" ");
        return !isJson
            ? $"igord: {line}"
            : Json(writer =>
            {
                writer.WriteStartObject("error");
                writer.WriteString("kind", failure.ExitCode == DaemonExitCode.Usage ? "usage" : "local");
                writer.WriteNumber("exitCode", failure.ExitCode);
                writer.WriteString("message", line);
                writer.WriteEndObject();
            });
    }

    private static string Json(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>();

        // Not for HTML.
        var options = new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
        using (var writer = new Utf8JsonWriter(buffer, options))
        {
            writer.WriteStartObject();
            write(writer);
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
