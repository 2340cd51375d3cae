using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;

namespace Igor.EndToEnd.Processes;

/// <summary>Where the programs under test are, and how they are started.</summary>
internal static class Programs
{
    /// <summary>igor-dht.</summary>
    public static string IgorDht { get; } = Locate("igor-dht");

    /// <summary>igord.</summary>
    public static string Igord { get; } = Locate("igord");

    /// <summary>
    /// How to start a program: all streams redirected, and nothing taken from this process's settings.
    /// </summary>
    public static ProcessStartInfo Start(string program, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string variable in (string[])
            ["IGOR_DATA", "IGOR_SOCKET", "IGOR_LISTEN", "IGOR_BOOTSTRAP", "IGOR_NETWORK"])
        {
            start.Environment.Remove(variable);
        }

        // Programs find their runtime by this, wherever it is installed: it is the one that runs the tests.
        start.Environment["DOTNET_ROOT"] = Path.GetFullPath(
            Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."));
        return start;
    }

    private static string Locate(string name)
    {
        string path = typeof(Programs).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
            .Single(metadata => metadata.Key == name).Value!;
        return File.Exists(path)
            ? Path.GetFullPath(path)
            : throw new FileNotFoundException($"{name} is not built: {path}");
    }
}
