using System.Globalization;
using System.Text.Json;
using Igor.Dht.Storage.Segments;

// Tells, at the next start, how the last one ended. What a process wrote survives its death in the kernel's
// cache, so after a kill the index is as good as it was; after the death of the machine only what was forced
// to the disk is, and that are the segments.

namespace Igor.Dht.Storage.State;

/// <summary>
/// The file that says whether the store was closed, and in which run of the machine it was opened.
/// </summary>
/// <param name="Format">Version of the on-disk format.</param>
/// <param name="BootId">Names the run of the machine in which the store was opened.</param>
/// <param name="IsClosed">Whether it was closed in order.</param>
internal sealed record StoreMarker(int Format, string BootId, bool IsClosed)
{
    /// <summary>The format that this code writes.</summary>
    public const int CurrentFormat = 1;

    private const string Name = "store.json";

    /// <summary>Reads the marker of a folder; null when there is none that can be read.</summary>
    /// <exception cref="RecordStoreException">A newer program wrote the store.</exception>
    public static StoreMarker? Read(string folder)
    {
        string path = Path.Combine(folder, Name);
        if (!File.Exists(path))
        {
            return null;
        }

        try
        {
            var marker = JsonSerializer.Deserialize(
                File.ReadAllBytes(path), StoreMarkerJson.Default.StoreMarker);
            if (marker is { Format: > CurrentFormat })
            {
                throw new RecordStoreException(
                    $"The record store in {folder} has format {marker.Format}, which is newer than this "
                    + $"program knows ({CurrentFormat}). Use a newer version of the program.");
            }

            return marker;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Replaces the marker of a folder, on disk when this returns.</summary>
    public void Write(string folder)
    {
        string path = Path.Combine(folder, Name);
        string next = path + ".new";
        using (FileStream file = OwnFiles.OpenStream(next, FileMode.Create, FileAccess.Write, FileShare.None))
        {
            JsonSerializer.Serialize(file, this, StoreMarkerJson.Default.StoreMarker);
            file.Flush(flushToDisk: true);
        }

        File.Move(next, path, overwrite: true);
        DiskSync.Folder(folder);
    }

    /// <summary>Deletes the marker of a folder, on disk when this returns.</summary>
    /// <exception cref="IOException">The disk is read-only or failed.</exception>
    public static void Delete(string folder)
    {
        File.Delete(Path.Combine(folder, Name));
        DiskSync.Folder(folder);
    }

    /// <summary>Names the present run of the machine.</summary>
    public static string PresentBootId()
    {
        const string Linux = "/proc/sys/kernel/random/boot_id";
        if (File.Exists(Linux))
        {
            return File.ReadAllText(Linux).Trim();
        }

        // Elsewhere the time of the start serves, in steps wide enough for corrections of the clock.
        long startedAtMs = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() - Environment.TickCount64;
        return "started " + (startedAtMs / 600_000).ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>
    /// Why the index cannot be relied upon after the end that this marker tells of; null when it can.
    /// </summary>
    public static string? Doubt(StoreMarker? marker, string bootId) => marker switch
    {
        null => "nothing says how the store was closed",
        { IsClosed: false } when marker.BootId != bootId => "the machine ended while the store was open",
        _ => null,
    };
}
