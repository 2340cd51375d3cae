using System.Runtime.InteropServices;

namespace Igor.Dht;

/// <summary>
/// Time that goes on while the machine sleeps: a lease that was granted to it has ended when it wakes. On
/// Linux the monotonic clock of the runtime stands still then; elsewhere it does not.
/// </summary>
internal static class BootClock
{
    private const int LinuxBootTime = 7; // CLOCK_BOOTTIME
    private static readonly long Started = TimeProvider.System.GetTimestamp();

    /// <summary>Time since some moment, the same during the process.</summary>
    public static TimeSpan Now =>
        OperatingSystem.IsLinux() && clock_gettime(LinuxBootTime, out Timespec time) == 0
            ? TimeSpan.FromSeconds(time.Seconds) + TimeSpan.FromTicks(time.Nanoseconds / 100)
            : TimeProvider.System.GetElapsedTime(Started);

    [DllImport("libc")]
    private static extern int clock_gettime(int clock, out Timespec time);

    [StructLayout(LayoutKind.Sequential)]
    private struct Timespec
    {
        public nint Seconds;
        public nint Nanoseconds;
    }
}
