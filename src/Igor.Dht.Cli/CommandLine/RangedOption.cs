using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Igor.Dht.Cli.CommandLine;

/// <summary>Options whose values have bounds or come from a few words, with errors that say so.</summary>
internal static class RangedOption
{
    /// <summary>A whole number within bounds.</summary>
    public static Option<int> Whole(
        string name, int min, int max, int @default, string description) => new(name)
        {
            HelpName = "N",
            Description = description,
            DefaultValueFactory = _ => @default,
            CustomParser = result =>
            {
                string text = result.Tokens[0].Value;
                if (int.TryParse(
                        text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number)
                    && number >= min
                    && number <= max)
                {
                    return number;
                }

                result.AddError(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{name} is a whole number from {min} to {max}, not '{text}'"));
                return 0;
            },
        };

    /// <summary>A time in seconds within bounds; null when it is not given.</summary>
    public static Option<TimeSpan?> Seconds(
        string name, double min, double max, string description) => new(name)
        {
            HelpName = "SECONDS",
            Description = description,
            Recursive = true,
            CustomParser = result =>
            {
                string text = result.Tokens[0].Value;
                if (double.TryParse(
                        text,
                        NumberStyles.AllowDecimalPoint,
                        CultureInfo.InvariantCulture,
                        out double seconds)
                    && seconds >= min
                    && seconds <= max)
                {
                    return TimeSpan.FromSeconds(seconds);
                }

                result.AddError(string.Create(
                    CultureInfo.InvariantCulture, $"{name} is {min} to {max} seconds, not '{text}'"));
                return null;
            },
        };

    /// <summary>One of a few words; the first is the default.</summary>
    public static Option<string> Word(string name, string description, params string[] words)
    {
        var option = new Option<string>(name)
        {
            HelpName = string.Join('|', words),
            Description = description,
            DefaultValueFactory = _ => words[0],
        };
        option.Validators.Add((OptionResult result) =>
        {
            if (result.Tokens.Count == 1 && !words.Contains(result.Tokens[0].Value))
            {
                result.AddError($"{name} is {string.Join(" or ", words)}, not '{result.Tokens[0].Value}'");
            }
        });
        return option;
    }
}
