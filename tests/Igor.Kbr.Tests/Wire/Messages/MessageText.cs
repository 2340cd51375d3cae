using System.Collections;
using System.Globalization;
using System.Reflection;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Tests.Wire.Messages;

/// <summary>A message as a text: its name and its fields by theirs, whatever message it is.</summary>
internal static class MessageText
{
    private const string Suffix = "Message";

    /// <summary>The message, with ids as the caller writes them.</summary>
    public static string Of(object message, Func<Key, string> nameOf, Func<ServiceId, string> serviceOf)
    {
        string name = message.GetType().Name;
        var text = new List<string> { name.EndsWith(Suffix, StringComparison.Ordinal) ? name[..^7] : name };
        foreach (PropertyInfo property in message.GetType()
            .GetProperties(BindingFlags.Public | BindingFlags.Instance))
        {
            string field = char.ToLowerInvariant(property.Name[0]) + property.Name[1..];
            text.Add($"{field}={Value(property.GetValue(message), nameOf, serviceOf)}");
        }

        return string.Join(' ', text);
    }

    /// <summary>The message with everything that is in it, so that equal texts are equal messages.</summary>
    public static string Of(object message) => Of(message, key => key.ToString(), id => id.ToString());

    private static string Value(object? value, Func<Key, string> nameOf, Func<ServiceId, string> serviceOf) =>
        value switch
        {
            null => "none",
            Key key => nameOf(key),
            ServiceId service => serviceOf(service),
            ServiceName service => $"{serviceOf(service.Id)}:{service.Name}",
            Contact contact => $"{nameOf(contact.Id)}@{string.Join('|', contact.Addresses)}",
            string text => $"'{text}'",
            bool flag => flag ? "yes" : "no",
            TimeSpan time => time.TotalMilliseconds.ToString("0ms", CultureInfo.InvariantCulture),
            IEnumerable items => IsDefault(items)
                ? "none"
                : $"[{string.Join(' ', items.Cast<object>().Select(i => Value(i, nameOf, serviceOf)))}]",
            _ => string.Create(CultureInfo.InvariantCulture, $"{value}"),
        };

    private static bool IsDefault(IEnumerable items) =>
        items.GetType().GetProperty("IsDefault")?.GetValue(items) is true;
}
