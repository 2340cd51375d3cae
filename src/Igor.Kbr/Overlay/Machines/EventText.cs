using System.Globalization;
using System.Runtime.CompilerServices;

namespace Igor.Kbr.Overlay.Machines;

/// <summary>
/// The text of an event, which the compiler puts together from an interpolated string where an event is
/// raised: not at all where the host does not want events. Thousands of simulated nodes raise millions.
/// </summary>
[InterpolatedStringHandler]
internal ref struct EventText
{
    private DefaultInterpolatedStringHandler _text;

    public EventText(int literalLength, int formattedCount, NodeContext context, out bool isWanted)
    {
        isWanted = context.Output.WantsEvents;
        if (isWanted)
        {
            _text = new DefaultInterpolatedStringHandler(
                literalLength, formattedCount, CultureInfo.InvariantCulture);
        }
    }

    public void AppendLiteral(string value) => _text.AppendLiteral(value);

    public void AppendFormatted<T>(T value, string? format = null) => _text.AppendFormatted(value, format);

    public string ToStringAndClear() => _text.ToStringAndClear();
}
