namespace Igor.Daemon;

/// <summary>The exit codes that scripts rely on.</summary>
internal static class DaemonExitCode
{
    /// <summary>Done: told to end, and ended in order.</summary>
    public const int Done = 0;

    /// <summary>The command line, the environment or the configuration file is wrong.</summary>
    public const int Usage = 1;

    /// <summary>Local trouble: disk, port, socket.</summary>
    public const int Local = 5;
}
