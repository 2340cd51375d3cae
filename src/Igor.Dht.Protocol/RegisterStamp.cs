using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Igor.Dht.Protocol;

/// <summary>
/// Names one version of a register, for a later write on the condition that it is still there. No two
/// versions of a register have the same; which of two is later, a stamp does not say.
/// </summary>
/// <param name="Counter">Counts those who coordinated the register.</param>
/// <param name="Sequence">Counts the writes of that one.</param>
/// <param name="Coordinator">Who that was, and with which store.</param>
public readonly record struct RegisterStamp(ulong Counter, ulong Sequence, ulong Coordinator)
{
    /// <summary>Reads what <see cref="ToString"/> wrote.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out RegisterStamp stamp)
    {
        stamp = default;
        string[] parts = text?.Split('-') ?? [];
        if (parts.Length != 3
            || !ulong.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out ulong counter)
            || !ulong.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out ulong sequence)
            || parts[2].Length != 16
            || !ulong.TryParse(
                parts[2],
                NumberStyles.AllowHexSpecifier,
                CultureInfo.InvariantCulture,
                out ulong coordinator))
        {
            return false;
        }

        stamp = new RegisterStamp(counter, sequence, coordinator);
        return true;
    }

    /// <summary>Counter and sequence in decimal, the coordinator in hexadecimal.</summary>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Counter}-{Sequence}-{Coordinator:x16}");
}
