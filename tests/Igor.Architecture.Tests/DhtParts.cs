using Mono.Cecil;

namespace Igor.Architecture.Tests;

/// <summary>What is inside Igor.Dht, and what its pure parts may see of the rest.</summary>
internal static class DhtParts
{
    private const string Protocol = "Igor.Dht.Protocol";

    // Values that the protocol shares with the public interface and the store; they have to be pure as well.
    private static readonly HashSet<string> s_vocabulary =
    [
        "Igor.Dht.AckLevel", "Igor.Dht.GetConsistency", "Igor.Dht.GetOutcome", "Igor.Dht.GetResult",
        "Igor.Dht.PutReceipt", "Igor.Dht.DhtError", "Igor.Dht.Storage.StoreOutcome",
    ];

    private static readonly IReadOnlySet<string> s_records = Repository.TypesDeclaredIn("src/Igor.Dht/Records");

    /// <summary>Whether a type belongs to the protocol, to the records, or to the words they share.</summary>
    public static bool IsPure(TypeDefinition type) => IsPure(type.FullName);

    /// <summary>What a pure type uses of Igor that is neither Igor.Kbr, nor the protocol, nor a record.</summary>
    public static IEnumerable<string> StrangersSeenBy(TypeDefinition type) => Use.Of(type)
        .Where(use => use.Type.StartsWith("Igor.", StringComparison.Ordinal)
            && !use.Type.StartsWith("Igor.Kbr.", StringComparison.Ordinal)
            && !IsPure(use.Type))
        .Select(use => use.ToString())
        .Distinct();

    private static bool IsPure(string fullName)
    {
        string outermost = fullName.Split('/')[0];
        int dot = outermost.LastIndexOf('.');
        string space = outermost[..Math.Max(dot, 0)];
        return space == Protocol
            || s_vocabulary.Contains(outermost)
            || space.StartsWith(Protocol + ".", StringComparison.Ordinal)
            || (space == "Igor.Dht" && s_records.Contains(outermost[(dot + 1)..].Split('`')[0]));
    }
}
