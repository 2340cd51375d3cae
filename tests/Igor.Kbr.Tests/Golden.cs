namespace Igor.Kbr.Tests;

/// <summary>
/// Compares a text with the checked-in file that tells what it should be. With IGOR_REWRITE=1 in the
/// environment the file is written instead, to be read and reviewed like code.
/// </summary>
internal static class Golden
{
    private const string Switch = "IGOR_REWRITE";
    private const string Project = "tests/Igor.Kbr.Tests";

    /// <summary>Compares with a file, named relative to this project.</summary>
    public static void Check(string file, string actual)
    {
        string path = Path.Combine(Root(), Project, file);
        if (Environment.GetEnvironmentVariable(Switch) == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, actual);
            return;
        }

        string expected = File.Exists(path) ? File.ReadAllText(path) : string.Empty;
        Assert.True(expected == actual, Difference(file, expected.Split('\n'), actual.Split('\n')));
    }

    private static string Difference(string file, string[] expected, string[] actual)
    {
        int at = 0;
        while (at < expected.Length && at < actual.Length && expected[at] == actual[at])
        {
            at++;
        }

        return $"""
            {Project}/{file}:{at + 1} differs. Where that is meant, write it anew and read what changed:
                {Switch}=1 ./test Golden && git diff {Project}
            expected: {(at < expected.Length ? expected[at] : "the end")}
            actual:   {(at < actual.Length ? actual[at] : "the end")}
            """;
    }

    /// <summary>The directory of Igor.sln.</summary>
    public static string Root()
    {
        string? directory = AppContext.BaseDirectory;
        while (directory is not null && !File.Exists(Path.Combine(directory, "Igor.sln")))
        {
            directory = Path.GetDirectoryName(directory);
        }

        return directory ?? throw new DirectoryNotFoundException("no Igor.sln above the tests");
    }
}
