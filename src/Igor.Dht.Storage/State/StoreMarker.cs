using System.Text.Json;
using Igor.Dht.Storage.Segments;

namespace Igor.Dht.Storage.State;

/// <summary>The file that says in which format the store is.</summary>
/// <param name="Format">Version of the on-disk format.</param>
internal sealed record StoreMarker(int Format)
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
    /// <exception cref="IOException">The disk is full, read-only or failed.</exception>
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
}
