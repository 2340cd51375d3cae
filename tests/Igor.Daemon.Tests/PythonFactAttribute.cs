using System.ComponentModel;
using System.Diagnostics;

namespace Igor.Daemon.Tests;

/// <summary>
/// A fact that needs Python with msgpack; skipped, with what to install, where it is missing.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class PythonFactAttribute : FactAttribute
{
    public PythonFactAttribute()
    {
        if (Python is null)
        {
            Skip = "needs python3 with msgpack: apt-get install python3-msgpack";
        }
    }

    /// <summary>
    /// The Python that has msgpack: the system's before one that the user put in front of it.
    /// </summary>
    public static string? Python { get; } = Array.Find(["/usr/bin/python3", "python3"], HasMsgpack);

    private static bool HasMsgpack(string python)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(python, ["-c", "import msgpack"])
            {
                RedirectStandardError = true,
            })!;
            process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (Win32Exception)
        {
            return false; // there is no such program
        }
    }
}
