using System.Text.RegularExpressions;

namespace Igor.EndToEnd.Docs;

/// <summary>What the documentation tells its readers to compile and to type.</summary>
internal static partial class Document
{
    /// <summary>The directory of Igor.sln.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The C# programs of all documents, each with a name for messages.</summary>
    public static IEnumerable<(string Name, string Source)> Programs()
    {
        IEnumerable<string> files = Directory.EnumerateFiles(Root, "*.md").Concat(
            Directory.EnumerateFiles(Path.Combine(Root, "docs"), "*.md", SearchOption.AllDirectories));
        foreach (string file in files.Order(StringComparer.Ordinal))
        {
            int number = 0;
            foreach (Match match in CSharpBlock().Matches(File.ReadAllText(file)))
            {
                yield return ($"{Path.GetRelativePath(Root, file)} {++number}", match.Groups[1].Value);
            }
        }
    }

    /// <summary>
    /// The commands of igor-dht in the blocks of a document, a block each, without their comments.
    /// </summary>
    public static IEnumerable<string[]> Commands(string file) =>
        CommandBlock().Matches(File.ReadAllText(Path.Combine(Root, file)))
            .Select(match => match.Value.Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(line => line.Split(" #")[0].Trim())
                .Where(line => line.StartsWith("./igor-dht ", StringComparison.Ordinal))
                .ToArray())
            .Where(block => block.Length > 0);

    private static string FindRoot()
    {
        string? directory = AppContext.BaseDirectory;
        while (directory is not null && !File.Exists(Path.Combine(directory, "Igor.sln")))
        {
            directory = Path.GetDirectoryName(directory);
        }

        return directory ?? throw new DirectoryNotFoundException("no Igor.sln above the tests");
    }

    [GeneratedRegex(@"^```csharp\n(.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex CSharpBlock();

    [GeneratedRegex(@"(^    \./.*\n)+", RegexOptions.Multiline)]
    private static partial Regex CommandBlock();
}
