using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Igor.Dht.Cli.Values;

/// <summary>Durations on the command line: a number and a unit.</summary>
internal static class Duration
{
    /// <summary>What a duration looks like, for messages.</summary>
    public const string Form = "a number and a unit, e.g. 90s, 15m, 12h, 7d";

    private static readonly TimeSpan s_max = TimeSpan.FromDays(36_500);

    /// <summary>Reads a duration of up to a hundred years.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out TimeSpan duration)
    {
        duration = default;
        if (text is not { Length: > 1 } || SecondsOf(text[^1]) is not double unit)
        {
            return false;
        }

        if (!double.TryParse(
                text.AsSpan(0, text.Length - 1), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture,
                out double number)
            || !(number > 0 && number * unit <= s_max.TotalSeconds)) // as NaN is neither
        {
            return false;
        }

        duration = TimeSpan.FromSeconds(number * unit);
        return true;
    }

    private static double? SecondsOf(char unit) => unit switch
    {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => null,
    };
}
