using Igor.Kbr;

namespace Igor.Local.Paths;

/// <summary>The data folder of a user who names none.</summary>
internal static class DefaultDataFolder
{
    /// <summary>
    /// What IGOR_DATA says; else $XDG_DATA_HOME/igor where that is an absolute path (others are ignored, as
    /// the XDG specification says); else $HOME/.local/share/igor. Never below the working directory unless
    /// that was named: nobody would look for a node's identity there.
    /// </summary>
    /// <exception cref="KbrException">There is no home; the message names the variables.</exception>
    public static string Path
    {
        get
        {
            if (Environment.GetEnvironmentVariable("IGOR_DATA") is { Length: > 0 } named)
            {
                return System.IO.Path.GetFullPath(named);
            }

            if (Environment.GetEnvironmentVariable("XDG_DATA_HOME") is { Length: > 0 } data
                && System.IO.Path.IsPathFullyQualified(data))
            {
                return System.IO.Path.Combine(data, "igor");
            }

            string? home = Environment.GetEnvironmentVariable("HOME");
            return OperatingSystem.IsWindows()
                ? System.IO.Path.Combine(
                    Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData), "igor")
                : Fault(home) is { } fault
                    ? throw new KbrException(
                        $"There is no place for the data folder: {fault}. Set HOME or XDG_DATA_HOME to a "
                        + "folder that is there, or name one with --data DIR or IGOR_DATA.")
                    : System.IO.Path.Combine(home!, ".local", "share", "igor");
        }
    }

    private static string? Fault(string? home) => home switch
    {
        null or "" => "HOME is not set",
        _ when !System.IO.Path.IsPathFullyQualified(home) => $"HOME is '{home}', which is no absolute path",
        _ when !Directory.Exists(home) => $"HOME is '{home}', which is not there",
        _ => null,
    };
}
