using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Igor.Local.Sockets;

/// <summary>Who is at the other end of a Unix domain socket, as the kernel says.</summary>
/// <param name="Process">The process, 0 when it is not known.</param>
/// <param name="User">The user.</param>
internal readonly record struct PeerCredentials(int Process, uint User)
{
    private const int SolSocket = 1;
    private const int SoPeerCred = 17;
    private const uint Root = 0;

    /// <summary>The user that this process runs as.</summary>
    public static uint OwnUser { get; } = OperatingSystem.IsLinux() ? GetEffectiveUser() : 0;

    /// <summary>Whether the other end may use what this process serves: its own user, and root.</summary>
    public bool IsAllowed => User == OwnUser || User == Root;

    /// <summary>
    /// Asks the kernel. Elsewhere than on Linux the permissions of the socket file have to do.
    /// </summary>
    public static PeerCredentials Of(Socket socket)
    {
        if (!OperatingSystem.IsLinux())
        {
            return new PeerCredentials(0, OwnUser);
        }

        Span<int> credentials = stackalloc int[3]; // pid, uid, gid
        socket.GetRawSocketOption(SolSocket, SoPeerCred, MemoryMarshal.AsBytes(credentials));
        return new PeerCredentials(credentials[0], (uint)credentials[1]);
    }

    [DllImport("libc", EntryPoint = "geteuid")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern uint GetEffectiveUser();
}
