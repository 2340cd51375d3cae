using System.Globalization;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Tests.Wire.Messages;

/// <summary>How ids and numbers of messages are written for people.</summary>
internal interface IMessageNames
{
    string Of(Key key);

    string Of(ServiceId service);

    string Of(ulong number);

    string Of(Contact contact);

    /// <summary>What a wall clock shows, in milliseconds since 1970 UTC.</summary>
    string OfClock(long unixMs);

    /// <summary>Whether a field says what it always says, and is left out.</summary>
    bool IsDull(string field, string value);
}

/// <summary>Leaves nothing out, so that messages with equal texts are equal.</summary>
internal sealed class FullNames : IMessageNames
{
    public static FullNames Instance { get; } = new();

    public string Of(Key key) => key.ToString();

    public string Of(ServiceId service) => service.ToString();

    public string Of(ulong number) => number.ToString(CultureInfo.InvariantCulture);

    public string Of(Contact contact) => $"{contact.Id}@{string.Join('|', contact.Addresses)}";

    public string OfClock(long unixMs) => unixMs.ToString(CultureInfo.InvariantCulture);

    public bool IsDull(string field, string value) => false;
}
