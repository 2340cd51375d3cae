using Igor.Dht.Cli.Failures;
using Igor.Dht.Cli.Values;
using Igor.Dht.Protocol;
using Igor.Kbr;

namespace Igor.Dht.Cli.Output;

/// <summary>How the result of a get looks.</summary>
internal static class GetText
{
    /// <summary>What a result without a value means; null for one with a value.</summary>
    public static CommandFailure? Failure(RecordName name, GetResult result) => result.Outcome switch
    {
        GetOutcome.Found => null,
        GetOutcome.Absent => NotFound("absent", $"no record '{name}'; store one with igor-dht put"),
        GetOutcome.Deleted => NotFound("deleted", $"the record '{name}' was deleted"),
        GetOutcome.Expired => NotFound("expired", $"the record '{name}' has outlived its time to live"),
        _ => new CommandFailure(
            ExitCode.Unreachable,
            "unreachable",
            $"'{name}' may exist, but {WhoAnswered(result)}; try again, or look at igor-dht status"),
    };

    /// <summary>
    /// The result for programs: name, key, version, bytes, and the value; what is not UTF-8 as "nameBase64"
    /// and "valueBase64".
    /// </summary>
    public static string Json(RecordName name, GetResult result, bool includesValue) =>
        JsonText.Object(writer =>
        {
            JsonText.Name(writer, name);
            writer.WriteString("key", result.Key.ToString());
            writer.WriteString("version", result.Version.ToString());
            writer.WriteNumber("bytes", result.Value.Length);
            if (result.ExpiresAtUnixMs != 0)
            {
                writer.WriteNumber("expiresAtUnixMs", result.ExpiresAtUnixMs);
            }

            writer.WriteBoolean("isDegraded", result.IsDegraded);
            writer.WriteNumber("replicasAnswered", result.ReplicasAnswered);
            writer.WriteNumber("replicasAsked", result.ReplicasAsked);
            if (includesValue && StrictUtf8.TextOf(result.Value.Span) is { } text)
            {
                writer.WriteString("value", text);
            }
            else if (includesValue)
            {
                writer.WriteBase64String("valueBase64", result.Value.Span);
            }
        });

    private static string WhoAnswered(GetResult result) => result.ReplicasAsked == 0
        ? $"no replica was asked: {result.Trouble}"
        : $"only {result.ReplicasAnswered} of {result.ReplicasAsked} replicas could answer";

    private static CommandFailure NotFound(string kind, string message) =>
        new(ExitCode.NotFound, kind, message);
}
