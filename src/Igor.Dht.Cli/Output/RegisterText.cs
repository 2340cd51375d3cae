using Igor.Dht.Cli.Failures;
using Igor.Dht.Cli.Values;
using Igor.Dht.Protocol;
using Igor.Kbr;

namespace Igor.Dht.Cli.Output;

/// <summary>How the end of an operation on a register looks.</summary>
internal static class RegisterText
{
    /// <summary>What ended otherwise than asked for; null for nothing.</summary>
    public static CommandFailure? Failure(RecordName name, RegisterResult result) => result.Outcome switch
    {
        RegisterOutcomeKind.ConditionFailed => new CommandFailure(
            ExitCode.ConditionFailed,
            "condition_failed",
            result.Version == default
                ? $"the register '{name}' has no value; nothing was written"
                : $"the register '{name}' has version {result.Version}; nothing was written"),
        RegisterOutcomeKind.Absent => new CommandFailure(
            ExitCode.NotFound,
            "absent",
            $"no register '{name}'; write one with igor-dht put --type register"),
        RegisterOutcomeKind.Deleted => new CommandFailure(
            ExitCode.NotFound, "deleted", $"the register '{name}' was deleted"),
        _ => null,
    };

    /// <summary>The end of a write for people.</summary>
    public static string Human(string what, RegisterResult result) =>
        $"{what}, decided by {Voters(result)}\nkey      {result.Key}\nversion  {result.Version}"
        + (result.IsContested ? "\n" + Contested : string.Empty);

    /// <summary>What there is to know of a value that was read, beside it.</summary>
    public static string Note(RegisterResult result) =>
        $"version {result.Version}" + (result.IsContested ? $"; {Contested}" : string.Empty);

    /// <summary>The end for programs; what is not UTF-8 as "nameBase64" and "valueBase64".</summary>
    public static string Json(RecordName name, RegisterResult result, bool includesValue) =>
        JsonText.Object(writer =>
        {
            JsonText.Name(writer, name);
            writer.WriteString("key", result.Key.ToString());
            writer.WriteString("version", result.Version.ToString());
            writer.WriteNumber("voters", result.Voters);
            writer.WriteBoolean("isContested", result.IsContested);
            if (result.Outcome != RegisterOutcomeKind.Found)
            {
                return;
            }

            writer.WriteNumber("bytes", result.Value.Length);
            if (includesValue && StrictUtf8.TextOf(result.Value.Span) is { } text)
            {
                writer.WriteString("value", text);
            }
            else if (includesValue)
            {
                writer.WriteBase64String("valueBase64", result.Value.Span);
            }
        });

    private const string Contested =
        "another network that met this one has a history of its own of this register";

    private static string Voters(RegisterResult result) => result.Voters == 1
        ? "its only voter"
        : $"a majority of {result.Voters} voters";
}
