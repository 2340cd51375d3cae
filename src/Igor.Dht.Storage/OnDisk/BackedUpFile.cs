namespace Igor.Dht.Storage.OnDisk;

/// <summary>A segment in a backup.</summary>
/// <param name="Name">The name of its file.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="XxHash3">Its checksum, in hexadecimal digits.</param>
internal sealed record BackedUpFile(string Name, long Bytes, string XxHash3);
