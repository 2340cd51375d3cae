using System.Globalization;

namespace Igor.Kbr;

/// <summary>
/// Text of others (names of records, reasons that peers give) for a terminal or a log. What would steer the
/// terminal, start a new line or turn the reading direction is written out instead of being obeyed.
/// </summary>
public static class PrintableText
{
    /// <summary>
    /// The text with control characters as \x1b, other characters that must not show as \u202e, and bytes
    /// that are no UTF-8 (U+DC80 to U+DCFF, see PEP 383) as \xff. All else is as it was.
    /// </summary>
    public static string Of(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        bool isPlain = !Enumerable.Range(0, text.Length).Any(at => IsEscaped(text, at));
        return isPlain
            ? text // the usual case
            : string.Concat(text.Select((c, at) => IsEscaped(text, at) ? Escaped(c) : c.ToString()));
    }

    private static bool IsEscaped(string text, int at)
    {
        char c = text[at];
        if (char.IsSurrogate(c))
        {
            bool isPaired = char.IsHighSurrogate(c)
                ? at + 1 < text.Length && char.IsLowSurrogate(text[at + 1])
                : at > 0 && char.IsHighSurrogate(text[at - 1]);
            return !isPaired;
        }

        return char.GetUnicodeCategory(c) is UnicodeCategory.Control or UnicodeCategory.LineSeparator
            or UnicodeCategory.ParagraphSeparator || TurnsDirection(c);
    }

    private static bool TurnsDirection(char c) =>
        c is '\u061c' or '\u200e' or '\u200f'
            or (>= '\u202a' and <= '\u202e') or (>= '\u2066' and <= '\u2069');

    private static string Escaped(char c) => c switch
    {
        >= '\udc80' and <= '\udcff' => string.Create(CultureInfo.InvariantCulture, $"\\x{c - 0xdc00:x2}"),
        < '\x80' => string.Create(CultureInfo.InvariantCulture, $"\\x{(int)c:x2}"),
        _ => string.Create(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"), // \x9b would be a byte
    };
}
