using System.Reflection;

namespace Igor.EndToEnd.Processes;

/// <summary>
/// Where the programs under test are: those that were built with the tests, or those in the folder that
/// IGOR_PROGRAMS names, which is how eng/test-native tests native ones.
/// </summary>
internal static class Programs
{
    private const string Variable = "IGOR_PROGRAMS";

    /// <summary>igor-dht.</summary>
    public static string IgorDht { get; } = Locate("igor-dht");

    /// <summary>igord.</summary>
    public static string Igord { get; } = Locate("igord");

    private static string Locate(string name)
    {
        string? folder = Environment.GetEnvironmentVariable(Variable);
        string path = string.IsNullOrEmpty(folder)
            ? typeof(Programs).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
                .Single(metadata => metadata.Key == name).Value!
            : Path.Combine(folder, name);
        return File.Exists(path)
            ? Path.GetFullPath(path)
            : throw new FileNotFoundException($"{name} is not built: {path} ({Variable} is '{folder}')");
    }
}
