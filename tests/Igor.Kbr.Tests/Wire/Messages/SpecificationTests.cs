using System.Globalization;
using System.Text.RegularExpressions;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Tests.Wire.Messages;

/// <summary>docs/protocol.md names what there is, by its number.</summary>
public partial class SpecificationTests
{
    private static readonly string Text = File.ReadAllText(Path.Combine(Golden.Root(), "docs/protocol.md"));

    [Fact]
    public void Each_type_of_message_has_a_row_in_the_specification()
    {
        string section = Text[..Text.IndexOf("## Local protocol", StringComparison.Ordinal)];
        Assert.Equal(
            Enum.GetValues<MessageType>().Select(type => $"{(int)type} {type}"),
            Row().Matches(section).Select(row => $"{row.Groups[1]} {row.Groups[2]}"));
    }

    [Fact]
    public void Each_reason_of_a_goodbye_is_in_the_specification()
    {
        int start = Text.IndexOf("Reasons of a goodbye:", StringComparison.Ordinal);
        string sentence = Text[start..Text.IndexOf("\n\n", start, StringComparison.Ordinal)];
        Assert.Equal(
            Enum.GetValues<GoodbyeReason>().Select(reason => (int)reason),
            Number().Matches(sentence).Select(n => int.Parse(n.Value, CultureInfo.InvariantCulture)));
    }

    [GeneratedRegex(@"^\| (\d+) \| (\w+) \|", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex(@"\b\d+\b")]
    private static partial Regex Number();
}
