using System.Text.Json;
using Mono.Cecil;

namespace Igor.Architecture.Tests;

/// <summary>
/// Who may reference whom. References that come along unused do not count: the compiler drops them.
/// </summary>
public class ReferenceTests
{
    private static readonly string[] s_everywhere = ["System.", "Microsoft.Win32.Primitives", "MessagePack"];

    [Theory]
    [InlineData("Igor.Kbr")]
    [InlineData("Igor.Terminal", "Igor.Kbr")]
    [InlineData("Igor.Local", "Igor.Kbr", "Microsoft.Extensions.Logging.Abstractions")]
    [InlineData("Igor.Node", "Igor.Kbr", "Igor.Local", "Polly", "Microsoft.Extensions.")]
    [InlineData("Igor.Client", "Igor.Kbr", "Igor.Local", "Polly", "Microsoft.Extensions.")]
    [InlineData(
        "igord",
        "Igor.Kbr", "Igor.Local", "Igor.Node", "Igor.Terminal",
        "Microsoft.Extensions.", "Microsoft.AspNetCore.", "System.CommandLine")]
    [InlineData("Igor.Dht.Protocol", "Igor.Kbr")]
    [InlineData("Igor.Dht.Storage", "Igor.Kbr", "Igor.Dht.Protocol", "LiteDB")]
    [InlineData(
        "Igor.Dht",
        "Igor.Kbr", "Igor.Dht.Protocol", "Igor.Dht.Storage", "Igor.Local", "Igor.Client", "Igor.Node",
        "Microsoft.Extensions.")]
    [InlineData(
        "igor-dht",
        "Igor.Kbr", "Igor.Dht.Protocol", "Igor.Dht.Storage", "Igor.Dht", "Igor.Terminal",
        "System.CommandLine", "Spectre.Console", "Bogus")]
    [InlineData(
        "igor-sim",
        "Igor.Kbr", "Igor.Dht.Protocol", "Igor.Terminal", "System.CommandLine", "Spectre.Console")]
    public void Assembly_references_only_what_it_may(string assembly, params string[] allowed)
    {
        Rule.HasNo(ReferencesOutside(assembly, allowed));
    }

    [Fact]
    public void Assembly_that_references_more_than_it_may_is_reported()
    {
        Assert.Contains("Mono.Cecil", ReferencesOutside("Igor.Architecture.Tests", ["xunit"]));
    }

    // What a program's list of libraries names is what it is published with, whether or not it is used.
    [Fact]
    public void Simulator_is_published_with_neither_a_node_nor_a_store()
    {
        string[] libraries = LibrariesOf("igor-sim");

        Assert.Equal(
            ["Igor.Dht.Protocol", "Igor.Kbr", "Igor.Terminal"],
            libraries.Where(name => name.StartsWith("Igor.", StringComparison.Ordinal)));
        Assert.DoesNotContain("LiteDB", libraries);
        Assert.Contains("LiteDB", LibrariesOf("igor-dht"));
    }

    private static string[] LibrariesOf(string program)
    {
        using FileStream file = File.OpenRead(
            Path.Combine(AppContext.BaseDirectory, program + ".deps.json"));
        using JsonDocument list = JsonDocument.Parse(file);
        return [.. list.RootElement.GetProperty("libraries").EnumerateObject()
            .Select(library => library.Name.Split('/')[0])
            .Order(StringComparer.Ordinal)];
    }

    private static string[] ReferencesOutside(string assembly, string[] allowed)
    {
        using AssemblyDefinition definition = BuiltAssembly.Read(assembly);
        return [.. definition.MainModule.AssemblyReferences.Select(reference => reference.Name)
            .Where(name => !s_everywhere.Concat(allowed).Any(entry => Matches(name, entry)))];
    }

    // "Igor.Dht" stands for itself alone, "Microsoft.Extensions." for all below, "Polly" for Polly.Core too.
    private static bool Matches(string name, string entry) =>
        name == entry
        || (entry.EndsWith('.') && name.StartsWith(entry, StringComparison.Ordinal))
        || (!entry.StartsWith("Igor.", StringComparison.Ordinal)
            && name.StartsWith(entry + ".", StringComparison.Ordinal));
}
