using Mono.Cecil;

namespace Igor.Architecture.Tests;

/// <summary>
/// Folders of a project use each other in one direction only, so that each can be read, and understood, on
/// its own. Namespaces are folders, so that the built assembly says who uses whom.
/// </summary>
public class FolderTests
{
    [Fact]
    public void Folders_of_the_product_have_no_cycles()
    {
        Rule.HasNo(Products.Names.SelectMany(assembly => Cycles(Edges(assembly))));
    }

    [Fact]
    public void Product_is_all_projects()
    {
        Assert.Equal(
            Directory.GetFiles(
                Path.Combine(Repository.Root, "src"), "*.csproj", SearchOption.AllDirectories).Length,
            Products.Names.Count);
    }

    [Fact]
    public void Cycle_is_found_and_names_its_uses()
    {
        var there = new Edge("A", "B", "A.X uses B.Y");
        var back = new Edge("B", "A", "B.Y uses A.X");
        var on = new Edge("B", "C", "B.Y uses C.Z");

        string cycle = Assert.Single(Cycles([there, back, on]));

        Assert.Contains("A, B", cycle, StringComparison.Ordinal);
        Assert.Contains("B.Y uses A.X", cycle, StringComparison.Ordinal);
        Assert.DoesNotContain("C.Z", cycle, StringComparison.Ordinal);
    }

    private static List<Edge> Edges(string assembly)
    {
        using AssemblyDefinition definition = BuiltAssembly.Read(assembly);
        var own = BuiltAssembly.TopLevelTypes(definition).Select(type => type.FullName).ToHashSet();
        return [.. BuiltAssembly.TopLevelTypes(definition)
            .Where(type => type.Namespace.Length > 0)
            .SelectMany(type => Use.Of(type).Select(use => (From: type, To: use.Type.Split('/')[0])))
            .Where(use => own.Contains(use.To))
            .Select(use => (use.From, use.To, Space: use.To[..Math.Max(use.To.LastIndexOf('.'), 0)]))
            .Where(use => use.Space.Length > 0 && use.Space != use.From.Namespace)
            .Select(use => new Edge(use.From.Namespace, use.Space, $"{use.From.FullName} uses {use.To}"))
            .Distinct()];
    }

    // Two folders are in a cycle when each reaches the other.
    private static IEnumerable<string> Cycles(List<Edge> edges)
    {
        ILookup<string, string> next = edges.ToLookup(edge => edge.From, edge => edge.To);
        Dictionary<string, HashSet<string>> reached = edges.Select(edge => edge.From).Distinct()
            .ToDictionary(folder => folder, folder => Reached(folder, next));
        return edges
            .Where(edge => reached.TryGetValue(edge.To, out HashSet<string>? back)
                && back.Contains(edge.From))
            .GroupBy(edge => string.Join(", ", reached[edge.From]
                .Where(folder => reached.TryGetValue(folder, out HashSet<string>? back)
                    && back.Contains(edge.From))
                .Order(StringComparer.Ordinal)))
            .Select(cycle => $"{cycle.Key}:\n    {string.Join("\n    ", cycle.Select(edge => edge.Why))}");
    }

    private static HashSet<string> Reached(string from, ILookup<string, string> next)
    {
        var reached = new HashSet<string>();
        var open = new Stack<string>(next[from]);
        while (open.TryPop(out string? folder))
        {
            if (reached.Add(folder))
            {
                foreach (string further in next[folder])
                {
                    open.Push(further);
                }
            }
        }

        return reached;
    }

    private sealed record Edge(string From, string To, string Why);
}
