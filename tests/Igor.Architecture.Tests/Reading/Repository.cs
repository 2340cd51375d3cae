namespace Igor.Architecture.Tests;

/// <summary>The files of the repository that the tests were built from.</summary>
internal static class Repository
{
    /// <summary>The directory of Igor.sln.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>All C# files below a directory of the repository, without what builds leave there.</summary>
    public static IEnumerable<string> SourceFiles(string directory)
    {
        string path = Path.Combine(Root, directory);
        return !Directory.Exists(path)
            ? []
            : Directory.EnumerateFiles(path, "*.cs", SearchOption.AllDirectories)
                .Where(file => !file.Contains("/obj/", StringComparison.Ordinal)
                    && !file.Contains("/bin/", StringComparison.Ordinal))
                .Order(StringComparer.Ordinal);
    }

    /// <summary>A file's path as messages show it.</summary>
    public static string Relative(string file) => Path.GetRelativePath(Root, file);

    private static string FindRoot()
    {
        string? directory = AppContext.BaseDirectory;
        while (directory is not null && !File.Exists(Path.Combine(directory, "Igor.sln")))
        {
            directory = Path.GetDirectoryName(directory);
        }

        return directory ?? throw new DirectoryNotFoundException("no Igor.sln above the tests");
    }
}
