using System.Globalization;

namespace Igor.Node.Transport.Inbound;

/// <summary>How many files and sockets the system lets this process have open.</summary>
internal static class OpenFiles
{
    private const int Unknown = 1024; // the usual limit of a process that asked for no more
    private const string Line = "Max open files";

    /// <summary>The limit; the usual one where the platform does not tell.</summary>
    public static int Max { get; } = Read();

    private static int Read()
    {
        try
        {
            string? line = File.ReadLines("/proc/self/limits")
                .FirstOrDefault(l => l.StartsWith(Line, StringComparison.Ordinal));
            string? soft = line?[Line.Length..]
                .Split(' ', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault();
            return soft == "unlimited"
                ? int.MaxValue
                : int.TryParse(soft, NumberStyles.None, CultureInfo.InvariantCulture, out int most)
                    ? most
                    : Unknown;
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            return Unknown;
        }
    }
}
