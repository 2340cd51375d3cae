using System.Text.RegularExpressions;
using Mono.Cecil;
using Mono.Cecil.Cil;

namespace Igor.Architecture.Tests;

/// <summary>The house rules that can be counted.</summary>
public partial class TidyTests
{
    private const int FileLinesMax = 400;
    private const int MethodLinesMax = 60;
    private const int ColumnsMax = 110;

    [Fact]
    public void Files_are_short()
    {
        Rule.HasNo(AllSources()
            .Where(file => File.ReadLines(file).Count() > FileLinesMax)
            .Select(Repository.Relative));
    }

    [Fact]
    public void Lines_are_narrow()
    {
        Rule.HasNo(AllSources()
            .SelectMany(file => File.ReadLines(file)
                .Select((line, index) => (line.Length, Place: $"{Repository.Relative(file)}:{index + 1}")))
            .Where(line => line.Length > ColumnsMax)
            .Select(line => line.Place));
    }

    [Fact]
    public void Methods_of_the_product_are_short()
    {
        Rule.HasNo(Products.Names.SelectMany(LongMethods));
    }

    [Fact]
    public void Namespaces_are_file_scoped()
    {
        Rule.HasNo(AllSources().Where(file => NamespaceBlock().IsMatch(File.ReadAllText(file)))
            .Select(Repository.Relative));
    }

    [Fact]
    public void Namespaces_are_folders()
    {
        Rule.HasNo(Repository.SourceFiles("src")
            .Where(file => NamespaceOf(file) is { } name && name != FolderOf(file))
            .Select(Repository.Relative));
    }

    [Fact]
    public void Types_of_the_product_have_names_of_their_own()
    {
        Rule.HasNo(Products.Names
            .SelectMany(NamesOfTypes)
            .GroupBy(type => type.Name)
            .Where(same => same.Select(type => type.FullName).Distinct().Count() > 1)
            .Select(same => string.Join(", ", same.Select(type => type.FullName).Distinct())));
    }

    [Fact]
    public void Sources_have_no_words_that_put_work_off()
    {
        Rule.HasNo(AllSources()
            .SelectMany(file => BannedWord().Matches(File.ReadAllText(file))
                .Select(match => $"{Repository.Relative(file)}: {match.Value}")));
    }

    [Theory]
    [InlineData("namespace Igor\n{\n}")]
    [InlineData("// T" + "ODO later")]
    public void Patterns_find_what_they_are_for(string source)
    {
        Assert.True(NamespaceBlock().IsMatch(source) || BannedWord().IsMatch(source));
    }

    private static IEnumerable<string> AllSources() =>
        ((string[])["src", "tests", "bench", "samples"]).SelectMany(Repository.SourceFiles);

    private static string? NamespaceOf(string file) =>
        FileScopedNamespace().Match(File.ReadAllText(file)) is { Success: true } found
            ? found.Groups[1].Value
            : null;

    // src/Igor.Kbr/Overlay/Rings/Fingers.cs belongs to Igor.Kbr.Overlay.Rings.
    private static string FolderOf(string file) => string.Join(
        '.', Path.GetDirectoryName(Repository.Relative(file))!.Split(Path.DirectorySeparatorChar)[1..]);

    private static (string Name, string FullName)[] NamesOfTypes(string assembly)
    {
        using AssemblyDefinition definition = BuiltAssembly.Read(assembly);
        return [.. BuiltAssembly.TopLevelTypes(definition)
            .Where(type => type.Name != "Program")
            .Where(type => !type.Name.Contains('<', StringComparison.Ordinal))
            .Select(type => (type.Name, type.FullName))];
    }

    private static IEnumerable<string> LongMethods(string assembly)
    {
        using AssemblyDefinition definition = BuiltAssembly.Read(assembly);
        return [.. BuiltAssembly.TopLevelTypes(definition)
            .SelectMany(BuiltAssembly.WithNested)
            .SelectMany(type => type.Methods)
            .Where(method => LinesOf(method) > MethodLinesMax)
            .Select(method => $"{method.FullName}: {LinesOf(method)} lines")];
    }

    // From the first statement to the last, as the debug symbols say; generated sources have no say.
    private static int LinesOf(MethodDefinition method)
    {
        SequencePoint[] points = [.. method.DebugInformation.SequencePoints
            .Where(point => !point.IsHidden)
            .Where(point => !point.Document.Url.EndsWith(".g.cs", StringComparison.Ordinal))];
        return points.Length == 0 || method.IsConstructor
            ? 0
            : points.Max(point => point.EndLine) - points.Min(point => point.StartLine) + 1;
    }

    [GeneratedRegex(@"^namespace [\w.]+\s*\{", RegexOptions.Multiline)]
    private static partial Regex NamespaceBlock();

    [GeneratedRegex(@"^namespace ([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex FileScopedNamespace();

    [GeneratedRegex(@"\b(T[O]DO|F[I]XME|H[A]CK|X[X]X)\b|NotImplementedException\(")]
    private static partial Regex BannedWord();
}
