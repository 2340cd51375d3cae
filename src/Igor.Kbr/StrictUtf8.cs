using System.Buffers;
using System.Text;

namespace Igor.Kbr;

/// <summary>
/// UTF-8 that substitutes nothing: two names that differ never become the same bytes. A text with half of a
/// surrogate pair has no UTF-8, and bytes that are none have no text.
/// </summary>
public static class StrictUtf8
{
    private static readonly UTF8Encoding Encoding = new(false, throwOnInvalidBytes: true);

    /// <summary>The bytes of a text.</summary>
    /// <exception cref="ArgumentException">The text holds half of a surrogate pair.</exception>
    public static byte[] GetBytes(string text, string parameterName)
    {
        ArgumentNullException.ThrowIfNull(text, parameterName);
        try
        {
            return Encoding.GetBytes(text);
        }
        catch (EncoderFallbackException e)
        {
            throw new ArgumentException(
                $"'{PrintableText.Of(text)}' has no UTF-8: it holds half of a surrogate pair.",
                parameterName,
                e);
        }
    }

    /// <summary>Whether a text has UTF-8.</summary>
    public static bool HasBytes(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        for (int at = 0; at < text.Length; at++)
        {
            if (char.IsSurrogate(text[at]) && !(at + 1 < text.Length && char.IsSurrogatePair(text, at++)))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>The text of bytes; null when they are not UTF-8.</summary>
    public static string? TextOf(ReadOnlySpan<byte> bytes) =>
        System.Text.Unicode.Utf8.IsValid(bytes) ? Encoding.GetString(bytes) : null;

    /// <inheritdoc cref="TextOf(ReadOnlySpan{byte})"/>
    public static string? TextOf(in ReadOnlySequence<byte> bytes) =>
        TextOf(bytes.IsSingleSegment ? bytes.FirstSpan : bytes.ToArray());
}
