using Igor.Dht.Cli.Failures;

namespace Igor.Dht.Cli.Output;

/// <summary>How a failure looks to programs.</summary>
internal static class FailureText
{
    /// <summary>
    /// {"error": {"kind", "exitCode", "message", and "holders" where some nodes have the record}, and "notes"
    /// where there is more to know}.
    /// </summary>
    public static string Json(
        CommandFailure failure, int exitCode, string message, IReadOnlyList<string>? notes = null) =>
        JsonText.Object(writer =>
        {
            writer.WriteStartObject("error");
            writer.WriteString("kind", failure.Kind);
            writer.WriteNumber("exitCode", exitCode);
            writer.WriteString("message", message);
            if (failure.InnerException is DhtException { Holders.Count: > 0 } partial)
            {
                JsonText.Texts(writer, "holders", partial.Holders.Select(id => id.ToString()));
            }

            writer.WriteEndObject();
            if (notes is { Count: > 0 })
            {
                JsonText.Texts(writer, "notes", notes);
            }
        });

    /// <summary>{"note": text}: something to know that is no failure.</summary>
    public static string Note(string text) => JsonText.Object(writer => writer.WriteString("note", text));
}
