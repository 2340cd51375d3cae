namespace Igor.Simulation.Cli;

/// <summary>Says of a file that an option names why it cannot be used, and what to name instead.</summary>
internal static class NamedFile
{
    /// <summary>Uses the file.</summary>
    /// <exception cref="IOException">It cannot be used; the message is meant for people.</exception>
    public static T Use<T>(string option, string path, string instead, Func<T> use)
    {
        try
        {
            return use();
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"{option} {path}: {Cause(path, problem)}; name {instead}", problem);
        }
    }

    private static string Cause(string path, Exception problem) => problem switch
    {
        _ when Directory.Exists(path) => "it is a folder",
        DirectoryNotFoundException => "a folder on the way does not exist",
        FileNotFoundException => "it does not exist",
        UnauthorizedAccessException => "permission denied",
        _ => problem.Message.TrimEnd('.'),
    };
}
