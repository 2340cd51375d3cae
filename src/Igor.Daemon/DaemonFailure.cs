namespace Igor.Daemon;

/// <summary>The daemon cannot run: what to print, and the exit code that stands for the cause.</summary>
internal sealed class DaemonFailure(int exitCode, string message, Exception? cause = null)
    : Exception(message, cause)
{
    /// <summary>See <see cref="DaemonExitCode"/>.</summary>
    public int ExitCode => exitCode;

    /// <summary>A mistake in what the daemon was told.</summary>
    public static DaemonFailure Usage(string message, Exception? cause = null) =>
        new(DaemonExitCode.Usage, message, cause);
}
