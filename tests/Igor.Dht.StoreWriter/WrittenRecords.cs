using System.Globalization;
using System.Text;
using Igor.Dht.Protocol.Records;
using Igor.Dht.Storage;
using Igor.Kbr;

namespace Igor.Dht.StoreWriter;

/// <summary>The records that the writer writes: whoever knows number and clock knows every byte.</summary>
public static class WrittenRecords
{
    /// <summary>Number of different keys.</summary>
    public const int Count = 1000;

    /// <summary>Keys below this are never removed.</summary>
    public const int KeptCount = 900;

    /// <summary>Options under which rotation, compaction and index writes happen all the time.</summary>
    public static RecordStoreOptions Options(string folder) => new()
    {
        Folder = folder,
        SegmentBytesMax = 256 * 1024,
    };

    /// <summary>The key of a number.</summary>
    public static Key KeyOf(int number) =>
        Key.HashOf("record " + number.ToString(CultureInfo.InvariantCulture));

    /// <summary>The record of a number at a clock.</summary>
    public static Record Make(int number, ulong clock)
    {
        string line = string.Create(CultureInfo.InvariantCulture, $"record {number} at {clock}\n");
        int repeats = 1 + (int)((clock + (ulong)number) % 60);
        byte[] value = Encoding.UTF8.GetBytes(new StringBuilder().Insert(0, line, repeats).ToString());
        var version = new RecordVersion(clock, 1);
        var header = new RecordHeader { Key = KeyOf(number), Type = "value", Version = version };
        return RecordCodec.Encode(header, value);
    }
}
