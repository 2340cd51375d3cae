using System.Globalization;
using System.Text;

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
        int first = 0;
        while (first < text.Length && !IsEscaped(text, first))
        {
            first++;
        }

        if (first == text.Length)
        {
            return text; // the usual case
        }

        var printable = new StringBuilder(text, 0, first, text.Length + 16);
        for (int at = first; at < text.Length; at++)
        {
            if (IsEscaped(text, at))
            {
                Escape(printable, text[at]);
            }
            else
            {
                printable.Append(text[at]);
            }
        }

        return printable.ToString();
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

    private static void Escape(StringBuilder printable, char c)
    {
        if (c is >= '\udc80' and <= '\udcff')
        {
            printable.Append("\\x").Append((c - 0xdc00).ToString("x2", CultureInfo.InvariantCulture));
        }
        else if (c < 0x80)
        {
            printable.Append("\\x").Append(((int)c).ToString("x2", CultureInfo.InvariantCulture));
        }
        else
        {
            // Not \x9b: that is a byte, and this is a character of two.
            printable.Append("\\u").Append(((int)c).ToString("x4", CultureInfo.InvariantCulture));
        }
    }
}
