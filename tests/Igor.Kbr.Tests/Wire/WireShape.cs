namespace Igor.Kbr.Tests.Wire;

/// <summary>
/// Tells a message's arrays with named fields, which may grow in a later version, from its lists, by what
/// many examples of it have in common: lists differ in length.
/// </summary>
internal sealed class WireShape
{
    private readonly List<WireShape> _fields = [];
    private WireShape? _element;

    /// <summary>The shape of a message, by examples.</summary>
    public static WireShape OfMessage(IReadOnlyList<object?[]> examples) =>
        OfFields(examples, examples.Min(e => e.Length));

    /// <summary>The value with further fields at the end of each array that has fields.</summary>
    public object? Grow(object? value, Func<object?> furtherField)
    {
        if (value is not object?[] items)
        {
            return value;
        }

        if (_element is not null)
        {
            return items.Select(item => _element.Grow(item, furtherField)).ToArray();
        }

        if (_fields.Count == 0)
        {
            return value;
        }

        object?[] known =
            [.. items.Select((item, i) => i < _fields.Count ? _fields[i].Grow(item, furtherField) : item)];
        return (object?[])[.. known, furtherField(), furtherField()];
    }

    private static WireShape OfFields(IReadOnlyList<object?[]> examples, int count)
    {
        var shape = new WireShape();
        for (int i = 0; i < count; i++)
        {
            shape._fields.Add(Of([.. examples.Select(e => e[i])]));
        }

        return shape;
    }

    private static WireShape Of(IReadOnlyList<object?> examples)
    {
        object?[][] arrays = [.. examples.OfType<object?[]>()];
        if (arrays.Length == 0)
        {
            return new WireShape();
        }

        return arrays.All(a => a.Length == arrays[0].Length)
            ? OfFields(arrays, arrays[0].Length)
            : new WireShape { _element = Of([.. arrays.SelectMany(a => a)]) };
    }
}
