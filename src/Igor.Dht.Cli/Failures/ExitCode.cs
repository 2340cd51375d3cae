namespace Igor.Dht.Cli.Failures;

/// <summary>The exit codes that scripts rely on.</summary>
internal static class ExitCode
{
    /// <summary>Done.</summary>
    public const int Done = 0;

    /// <summary>The command line is wrong.</summary>
    public const int Usage = 1;

    /// <summary>There is no such record: absent, deleted or expired.</summary>
    public const int NotFound = 2;

    /// <summary>Not reachable, or too few replicas.</summary>
    public const int Unreachable = 3;

    /// <summary>Refused: quota, type, size, permission.</summary>
    public const int Refused = 4;

    /// <summary>Local trouble: disk, port, socket.</summary>
    public const int Local = 5;

    /// <summary>The register is not as the condition asks for; nothing was written.</summary>
    public const int ConditionFailed = 6;

    /// <summary>The write may have been done, or be done yet: nobody could say so in time.</summary>
    public const int Unknown = 7;

    /// <summary>Ended by Ctrl-C (SIGINT) before it was done, as shells count it.</summary>
    public const int Interrupted = 130;

    /// <summary>Ended by SIGTERM before it was done.</summary>
    public const int Terminated = 143;

    /// <summary>Ended by SIGHUP, the end of its terminal, before it was done.</summary>
    public const int HungUp = 129;
}
