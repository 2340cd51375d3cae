using System.Text.Json.Serialization;

namespace Igor.Dht.Storage.State;

/// <summary>Reads and writes a <see cref="StoreMarker"/> without reflection.</summary>
[JsonSerializable(typeof(StoreMarker))]
internal sealed partial class StoreMarkerJson : JsonSerializerContext;
