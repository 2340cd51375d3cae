using System.Text.Json.Serialization;

namespace Igor.Dht.Storage.OnDisk;

/// <summary>Reads and writes a <see cref="BackupList"/> without reflection.</summary>
[JsonSerializable(typeof(BackupList))]
internal sealed partial class BackupListJson : JsonSerializerContext;
