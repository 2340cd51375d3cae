using System.Diagnostics;

namespace Igor.EndToEnd.Disks;

/// <summary>A small disk in memory that can be full or read-only. Only root may mount one.</summary>
internal sealed class Tmpfs : IDisposable
{
    private static readonly Lazy<string?> s_whyNot = new(Probe);

    private Tmpfs(string path) => Path = path;

    /// <summary>Why there can be none on this machine; null when there can.</summary>
    public static string? WhyNot => s_whyNot.Value;

    /// <summary>Where it is mounted.</summary>
    public string Path { get; }

    /// <summary>Mounts one.</summary>
    public static Tmpfs Mount(string path, int mebiBytes)
    {
        Directory.CreateDirectory(path);
        Run("mount", "-t", "tmpfs", "-o", $"size={mebiBytes}m", "igor-e2e", path);
        return new Tmpfs(path);
    }

    /// <summary>Gives it another size.</summary>
    public void Resize(int mebiBytes) => Run("mount", "-o", $"remount,size={mebiBytes}m", Path);

    /// <summary>Makes it read-only.</summary>
    public void MakeReadOnly() => Run("mount", "-o", "remount,ro", Path);

    /// <summary>Takes all space that is left.</summary>
    public void Fill()
    {
        string path = System.IO.Path.Combine(Path, "filler");
        using FileStream filler = new(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        byte[] zeros = new byte[4096];
        try
        {
            while (true)
            {
                filler.Write(zeros);
            }
        }
        catch (IOException)
        {
            // Full.
        }
    }

    // Lazily, because a process that was killed a moment ago may still hold it.
    public void Dispose() => Run("umount", "--lazy", Path);

    private static string? Probe()
    {
        if (!Environment.IsPrivilegedProcess)
        {
            return "mounting a small disk needs root";
        }

        try
        {
            string path = Directory.CreateTempSubdirectory("igor-e2e-").FullName;
            Mount(path, 1).Dispose();
            Directory.Delete(path);
            return null;
        }
        catch (InvalidOperationException e)
        {
            return $"this machine mounts no disks: {e.Message}";
        }
    }

    private static void Run(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardError = true };
        using var process = Process.Start(start)!;
        string errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {errors}");
        }
    }
}

/// <summary>A test that mounts a small disk; skipped, with the reason, where that cannot be.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class SmallDiskFactAttribute : FactAttribute
{
    public SmallDiskFactAttribute() => Skip = Tmpfs.WhyNot!;
}
