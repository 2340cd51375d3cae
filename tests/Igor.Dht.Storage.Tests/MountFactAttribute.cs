using System.Diagnostics;

namespace Igor.Dht.Storage.Tests;

/// <summary>A test that mounts a file system of its own.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class MountFactAttribute : FactAttribute
{
    public MountFactAttribute()
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess || !CanMount())
        {
            Skip = "Mounting a small tmpfs needs Linux and the permission to mount (root).";
        }
    }

    private static bool CanMount()
    {
        string folder = Directory.CreateTempSubdirectory("igor-mount-").FullName;
        try
        {
            return Run("mount", "-t", "tmpfs", "tmpfs", folder) && Run("umount", folder);
        }
        finally
        {
            Directory.Delete(folder);
        }
    }

    internal static bool Run(string program, params string[] arguments)
    {
        using var process = Process.Start(
            new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        process.WaitForExit();
        return process.ExitCode == 0;
    }
}
