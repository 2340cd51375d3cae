using System.Collections;
using System.Collections.Immutable;
using System.Globalization;
using System.Reflection;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Tests.Wire.Messages;

/// <summary>A message as a text: its name and its fields by theirs, whatever message it is.</summary>
internal static class MessageText
{
    private const string Suffix = "Message";
    private const string ClockSuffix = "ClockMs";

    public static string Of(object message, IMessageNames names)
    {
        string name = message.GetType().Name;
        var text = new List<string> { name.EndsWith(Suffix, StringComparison.Ordinal) ? name[..^7] : name };
        foreach (PropertyInfo property in message.GetType()
            .GetProperties(BindingFlags.Public | BindingFlags.Instance))
        {
            string field = char.ToLowerInvariant(property.Name[0]) + property.Name[1..];
            string value = property.GetValue(message) is long clock
                && field.EndsWith(ClockSuffix, StringComparison.Ordinal)
                ? names.OfClock(clock)
                : OfValue(property.GetValue(message), names);
            if (!names.IsDull(field, value))
            {
                text.Add($"{field}={value}");
            }
        }

        return string.Join(' ', text);
    }

    /// <summary>A field of a message.</summary>
    public static string OfValue(object? value, IMessageNames names) => value switch
    {
        null => "none",
        Key key => names.Of(key),
        ServiceId service => names.Of(service),
        ulong number => names.Of(number),
        uint number => names.Of(number),
        Contact contact => names.Of(contact),
        string text => $"'{text}'",
        bool flag => flag ? "yes" : "no",
        TimeSpan time => time.TotalMilliseconds.ToString("0ms", CultureInfo.InvariantCulture),
        ImmutableArray<string> { IsDefault: true } => "none",
        IEnumerable items => $"[{string.Join(' ', items.Cast<object>().Select(i => OfValue(i, names)))}]",
        _ => string.Create(CultureInfo.InvariantCulture, $"{value}"),
    };
}
