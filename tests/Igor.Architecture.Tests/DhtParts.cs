using Mono.Cecil;

namespace Igor.Architecture.Tests;

/// <summary>What is inside Igor.Dht, and what its pure parts may see of the rest.</summary>
internal static class DhtParts
{
    private static readonly string[] s_pure = ["Igor.Dht.Protocol", "Igor.Dht.Records", "Igor.Dht.Outcomes"];

    /// <summary>Whether a type belongs to the protocol, or is a record or an outcome.</summary>
    public static bool IsPure(TypeDefinition type) => IsPure(type.FullName);

    /// <summary>
    /// What a pure type uses of Igor that is neither Igor.Kbr, nor the protocol, nor a record or outcome.
    /// </summary>
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
        return Array.Exists(
            s_pure,
            pure => space == pure || space.StartsWith(pure + ".", StringComparison.Ordinal));
    }
}
