namespace Igor.Terminal;

/// <summary>
/// Lets what a socket brings be handled by the thread that waited for it. The platform hands it to its pool,
/// whose threads have to be woken for each message; a node's work is short and never waits.
/// </summary>
internal static class SocketThreads
{
    private const int ThreadsMax = 4;

    /// <summary>Settles it for this process, before its first socket, unless the environment did.</summary>
    public static void Work()
    {
        foreach ((string name, string value) in Settings(Environment.ProcessorCount))
        {
            if (Environment.GetEnvironmentVariable(name) is null)
            {
                Environment.SetEnvironmentVariable(name, value);
            }
        }
    }

    /// <summary>
    /// The variables that the platform reads. It would take a thread for each processor, of which a machine
    /// may have many and a node uses few; and one thread reads more of what came before it answers.
    /// </summary>
    internal static (string Name, string Value)[] Settings(int processors) =>
    [
        ("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", "1"),
        ("DOTNET_SYSTEM_NET_SOCKETS_THREAD_COUNT", $"{Math.Clamp(processors / 2, 1, ThreadsMax)}"),
    ];
}
