using System.Reflection;

namespace Igor.EndToEnd.Processes;

/// <summary>Where the programs under test are.</summary>
internal static class Programs
{
    /// <summary>igor-dht.</summary>
    public static string IgorDht { get; } = Locate("igor-dht");

    /// <summary>igord.</summary>
    public static string Igord { get; } = Locate("igord");

    private static string Locate(string name)
    {
        string path = typeof(Programs).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
            .Single(metadata => metadata.Key == name).Value!;
        return File.Exists(path)
            ? Path.GetFullPath(path)
            : throw new FileNotFoundException($"{name} is not built: {path}");
    }
}
