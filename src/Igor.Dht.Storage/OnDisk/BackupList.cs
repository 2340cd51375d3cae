namespace Igor.Dht.Storage.OnDisk;

/// <summary>What a backup says of itself, in a file that is written last.</summary>
/// <param name="Format">Version of the on-disk format.</param>
/// <param name="Files">Its segments.</param>
/// <param name="Network">The network that it was made in; null when the store knew of none.</param>
internal sealed record BackupList(int Format, List<BackedUpFile> Files, string? Network = null);
