namespace Igor.Dht.Cli;

/// <summary>How a failure looks to programs.</summary>
internal static class FailureText
{
    /// <summary>
    /// {"error": {"kind", "exitCode", "message", and "holders" where some nodes have the record}}.
    /// </summary>
    public static string Json(CommandFailure failure, int exitCode, string message) =>
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
        });

    /// <summary>{"note": text}: something to know that is no failure.</summary>
    public static string Note(string text) => JsonText.Object(writer => writer.WriteString("note", text));
}
