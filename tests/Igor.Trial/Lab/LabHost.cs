using System.Globalization;

namespace Igor.Trial.Lab;

/// <summary>
/// What one host has beside its network: a disk of its own that can be full, and a wall clock.
/// </summary>
internal sealed class LabHost : IDisposable
{
    private const string Library = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";
    private const int DiskMib = 64;
    private readonly string _filler;
    private readonly string _clock;
    private double _secondsOff;

    public LabHost(string folder, int index)
    {
        Disk = Path.Combine(folder, $"disk{index}");
        _filler = Path.Combine(Disk, "others");
        _clock = Path.Combine(folder, $"clock{index}");
        Tool.Try("umount", "-l", Disk);
        Directory.CreateDirectory(Disk);
        Tool.Run("mount", "-t", "tmpfs", "-o", $"size={DiskMib}m", "igor-trial", Disk);
        ShiftClock(0);
    }

    public string Disk { get; }

    /// <summary>
    /// What makes processes show the wall clock of this host. The monotonic clock is left alone.
    /// </summary>
    public IEnumerable<KeyValuePair<string, string?>> ClockEnvironment =>
    [
        new("LD_PRELOAD", Library),
        new("FAKETIME_TIMESTAMP_FILE", _clock),
        new("FAKETIME_CACHE_DURATION", "1"),
        new("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        new("DONT_FAKE_MONOTONIC", "1"),
    ];

    /// <summary>Throws when this machine has no library that changes clocks.</summary>
    public static void CheckClocks()
    {
        if (!File.Exists(Library))
        {
            throw new TrialException($"clocks need {Library}: apt-get install faketime");
        }
    }

    public void ShiftClock(double seconds)
    {
        _secondsOff += seconds;
        string next = _clock + ".new";
        File.WriteAllText(
            next, string.Create(CultureInfo.InvariantCulture, $"{_secondsOff:+0.###;-0.###;+0}\n"));
        File.Move(next, _clock, overwrite: true);
    }

    public void SetClockRight() => ShiftClock(-_secondsOff);

    /// <summary>Others take every byte of the disk.</summary>
    public void Fill()
    {
        long free = new DriveInfo(Disk).AvailableFreeSpace;
        Tool.Try("fallocate", "-l", free.ToString(CultureInfo.InvariantCulture), _filler);
        using var rest = new FileStream(_filler, FileMode.Append, FileAccess.Write, FileShare.Read, 1);
        byte[] page = new byte[4096];
        try
        {
            while (true)
            {
                rest.Write(page);
            }
        }
        catch (IOException)
        {
            // Every byte is taken.
        }
    }

    public void Free() => File.Delete(_filler);

    public void Dispose() => Tool.Try("umount", "-l", Disk);
}
