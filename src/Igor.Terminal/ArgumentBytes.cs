using System.Buffers;
using System.Text;

namespace Igor.Terminal;

/// <summary>
/// The bytes of the command line. The runtime has decoded them before Main and put U+FFFD in the place of
/// those that are not UTF-8; here each such byte becomes a lone surrogate (U+DC80 to U+DCFF, as in PEP 383),
/// so that a string can be parsed as usual and turned into the same bytes again.
/// </summary>
internal static class ArgumentBytes
{
    private const char Substitute = '\ufffd';
    private const char Unknown = '\ud800'; // a half of a pair that stands for no byte

    /// <summary>The arguments as they were given.</summary>
    public static string[] Exact(string[] arguments)
    {
        if (!Array.Exists(arguments, argument => argument.Contains(Substitute, StringComparison.Ordinal)))
        {
            return arguments;
        }

        return OperatingSystem.IsLinux() && FromKernel(arguments) is { } exact
            ? exact
            : Array.ConvertAll(arguments, argument => argument.Replace(Substitute, Unknown));
    }

    /// <summary>Whether an argument is text.</summary>
    public static bool IsText(string argument) => Kbr.StrictUtf8.HasBytes(argument);

    /// <summary>
    /// Whether the text of an environment variable is what was set: the runtime has put U+FFFD in the place
    /// of bytes that are not UTF-8.
    /// </summary>
    public static bool IsIntact(string variable) => !variable.Contains(Substitute, StringComparison.Ordinal);

    /// <summary>The bytes of an argument; null when they are not known.</summary>
    public static byte[]? ToBytes(string argument)
    {
        if (IsText(argument))
        {
            return Encoding.UTF8.GetBytes(argument);
        }

        var bytes = new List<byte>(argument.Length + 16);
        Span<byte> utf8 = stackalloc byte[4];
        for (int at = 0; at < argument.Length;)
        {
            if (Rune.TryGetRuneAt(argument, at, out Rune rune))
            {
                bytes.AddRange(utf8[..rune.EncodeToUtf8(utf8)]);
                at += rune.Utf16SequenceLength;
            }
            else if (argument[at] is >= '\udc80' and <= '\udcff')
            {
                bytes.Add((byte)(argument[at++] - 0xdc00));
            }
            else
            {
                return null;
            }
        }

        return [.. bytes];
    }

    /// <summary>The argument of bytes.</summary>
    public static string FromBytes(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder(bytes.Length);
        Span<char> pair = stackalloc char[2];
        while (bytes.Length > 0)
        {
            if (Rune.DecodeFromUtf8(bytes, out Rune rune, out int length) == OperationStatus.Done)
            {
                text.Append(pair[..rune.EncodeToUtf16(pair)]);
            }
            else
            {
                foreach (byte wrong in bytes[..length])
                {
                    text.Append((char)(0xdc00 + wrong));
                }
            }

            bytes = bytes[length..];
        }

        return text.ToString();
    }

    // The arguments of Main are the last ones of the process, whoever launched the program.
    private static string[]? FromKernel(string[] arguments)
    {
        try
        {
            byte[] line = File.ReadAllBytes("/proc/self/cmdline");
            var all = new List<string>();
            for (int start = 0; start < line.Length;)
            {
                int end = Array.IndexOf(line, (byte)0, start);
                end = end < 0 ? line.Length : end;
                all.Add(FromBytes(line.AsSpan(start, end - start)));
                start = end + 1;
            }

            string[] exact = [.. all.TakeLast(arguments.Length)];
            return exact.Length == arguments.Length && exact.Zip(arguments).All(IsSame) ? exact : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null; // no /proc
        }
    }

    private static bool IsSame((string Exact, string Given) argument) =>
        Shape(argument.Exact) == Shape(argument.Given);

    // How many substitutes stand for a sequence of wrong bytes is the decoder's choice.
    private static string Shape(string argument)
    {
        var shape = new StringBuilder(argument.Length);
        foreach (Rune rune in argument.EnumerateRunes()) // which gives U+FFFD for a lone surrogate, too
        {
            if (rune.Value != Substitute || shape.Length == 0 || shape[^1] != Substitute)
            {
                shape.Append(rune.ToString());
            }
        }

        return shape.ToString();
    }
}
