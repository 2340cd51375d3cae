using System.Collections.Immutable;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Records;

/// <summary>The record types that a node knows, by name.</summary>
public sealed class RecordTypes
{
    private readonly ImmutableArray<IRecordType> _types;

    /// <summary>Makes a set of types.</summary>
    /// <exception cref="ArgumentException">Two have the same name, or a name is not valid.</exception>
    public RecordTypes(params IReadOnlyList<IRecordType> types)
    {
        ArgumentNullException.ThrowIfNull(types);
        foreach (IRecordType type in types)
        {
            if (type.Name.Length is 0 or > RecordCodec.TypeLengthMax
                || type.Name.Contains('\0', StringComparison.Ordinal)
                || !StrictUtf8.HasBytes(type.Name)
                || types.Count(t => t.Name == type.Name) > 1)
            {
                throw new ArgumentException(
                    $"A record type has its own name, of 1 to {RecordCodec.TypeLengthMax} characters: "
                    + $"'{type.Name}'.",
                    nameof(types));
            }
        }

        _types = [.. types];
    }

    /// <summary>The types that come with the library.</summary>
    public static RecordTypes Shipped { get; } = new(new ValueRecordType(), new ImmutableRecordType());

    /// <summary>The type of that name; null when it is not known.</summary>
    public IRecordType? Find(string name)
    {
        foreach (IRecordType type in _types)
        {
            if (type.Name == name)
            {
                return type;
            }
        }

        return null;
    }

    /// <summary>Why a record cannot be stored here; null when it can.</summary>
    public string? Refusal(Record record)
    {
        ArgumentNullException.ThrowIfNull(record);
        IRecordType? type = Find(record.Header.Type);
        return type is null
            ? $"the record type '{record.Header.Type}' is not known here"
            : type.Refusal(record);
    }

    /// <summary>
    /// The record that remains of two for the same key: the newer one, and of two that claim the same version
    /// the one whose digest is larger, so that all replicas end with the same.
    /// </summary>
    public static Record Merge(Record left, Record right)
    {
        ArgumentNullException.ThrowIfNull(left);
        ArgumentNullException.ThrowIfNull(right);
        int order = left.Header.Version.CompareTo(right.Header.Version);
        if (order == 0)
        {
            order = left.Digest.CompareTo(right.Digest);
        }

        return order >= 0 ? left : right;
    }
}
