namespace Igor.Architecture.Tests;

/// <summary>The assemblies that the repository is there for.</summary>
internal static class Products
{
    /// <summary>Their names.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        "Igor.Kbr", "Igor.Local", "Igor.Node", "Igor.Client", "igord", "Igor.Dht.Protocol",
        "Igor.Dht.Storage", "Igor.Dht", "igor-dht", "igor-sim", "Igor.Terminal",
    ];
}
