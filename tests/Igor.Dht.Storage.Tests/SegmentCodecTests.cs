using CsCheck;
using Igor.Dht.Protocol.Records;
using Igor.Dht.Storage.Segments;
using Igor.Kbr;
using Igor.Testing;

namespace Igor.Dht.Storage.Tests;

public sealed class SegmentCodecTests : IDisposable
{
    private static readonly Gen<byte[]> Bodies = Gen.Byte.Array[0, 300];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Entry_written_is_read_back() => Bodies.Sample(body =>
    {
        var place = new Place(3, 4096, body.Length);
        var bytes = new byte[place.EntryBytes];
        var version = new RecordVersion(5, 6);
        Key key = Key.HashOf(body);
        SegmentCodec.WriteEntry(bytes, place, EntryKind.Record, EntryFlags.HasOwner, key, version, body);

        Assert.True(SegmentCodec.TryReadHeader(bytes, 3, 4096, out EntryHeader header));
        Assert.Equal(
            (EntryKind.Record, EntryFlags.HasOwner, body.Length),
            (header.Kind, header.Flags, header.BodyLength));
        Assert.Equal((key, version), (header.Key, header.Version));
        Assert.True(SegmentCodec.IsIntact(header, bytes.AsSpan(SegmentCodec.HeaderBytes, body.Length)));
        Assert.False(SegmentCodec.TryReadHeader(bytes, 3, 4104, out _));
        Assert.False(SegmentCodec.TryReadHeader(bytes, 4, 4096, out _));
    });

    [Fact]
    public void Entry_with_any_flipped_bit_is_noticed() =>
        Gen.Select(Bodies, Gen.Int[0, int.MaxValue], Gen.Int[0, 7]).Sample((body, where, bit) =>
        {
            var place = new Place(1, 16, body.Length);
            var bytes = new byte[place.EntryBytes];
            Key key = Key.HashOf(body);
            SegmentCodec.WriteEntry(
                bytes, place, EntryKind.Record, EntryFlags.None, key, new RecordVersion(1, 2), body);

            bytes[where % (SegmentCodec.HeaderBytes + body.Length)] ^= (byte)(1 << bit);

            bool isIntact = SegmentCodec.TryReadHeader(bytes, 1, 16, out EntryHeader header)
                && SegmentCodec.IsIntact(header, bytes.AsSpan(SegmentCodec.HeaderBytes, header.BodyLength));
            Assert.False(isIntact);
        });

    [Fact]
    public void Scanner_over_arbitrary_bytes_ends_without_an_intact_entry() =>
        Gen.Byte.Array[0, 2000].Sample(bytes =>
        {
            using Segment segment = SegmentOf(bytes);
            using var scanner = new SegmentScanner(segment, 0, segment.Length);
            Assert.False(scanner.TryNext(out _));
        }, iter: 200);

    [Fact]
    public void Scanner_finds_all_entries_but_the_damaged() =>
        Gen.Select(Bodies.Array[1, 20], Gen.Int[0, int.MaxValue], Gen.Int[1, 200], Gen.Byte).Sample(
            (bodies, where, count, value) =>
            {
                byte[] bytes = Encode(bodies, out List<Place> places);
                int from = SegmentCodec.FileHeaderBytes
                    + (where % (bytes.Length - SegmentCodec.FileHeaderBytes));
                int to = Math.Min(bytes.Length, from + count);
                byte[] before = [.. bytes];
                bytes.AsSpan(from, to - from).Fill(value);

                using Segment segment = SegmentOf(bytes);
                using var scanner = new SegmentScanner(segment, 0, segment.Length);
                var found = new List<Place>();
                while (scanner.TryNext(out ScannedEntry entry))
                {
                    if (entry.IsIntact)
                    {
                        found.Add(entry.Place);
                    }
                }

                bool IsSame(Place place)
                {
                    int length = SegmentCodec.HeaderBytes + place.BodyLength;
                    int offset = (int)place.Offset;
                    return bytes.AsSpan(offset, length).SequenceEqual(before.AsSpan(offset, length));
                }

                Assert.Equal(places.Where(IsSame), found);
            }, iter: 300);

    [Fact]
    public void Scanner_of_a_cut_segment_finds_what_is_whole() =>
        Gen.Select(Bodies.Array[1, 20], Gen.Int[0, int.MaxValue]).Sample((bodies, where) =>
        {
            byte[] bytes = Encode(bodies, out List<Place> places);
            int length = where % (bytes.Length + 1);

            using Segment segment = SegmentOf(bytes[..length]);
            using var scanner = new SegmentScanner(segment, 0, segment.Length);
            int found = 0;
            while (scanner.TryNext(out ScannedEntry entry))
            {
                found += entry.IsIntact ? 1 : 0;
            }

            int whole = places.Count(p => p.Offset + SegmentCodec.HeaderBytes + p.BodyLength <= length);
            Assert.Equal(whole, found);
        }, iter: 200);

    private static byte[] Encode(byte[][] bodies, out List<Place> places)
    {
        places = [];
        int offset = SegmentCodec.FileHeaderBytes;
        foreach (byte[] body in bodies)
        {
            var place = new Place(1, offset, body.Length);
            places.Add(place);
            offset += place.EntryBytes;
        }

        var bytes = new byte[offset];
        SegmentCodec.WriteFileHeader(bytes, 1, salt: 7);
        for (int i = 0; i < bodies.Length; i++)
        {
            SegmentCodec.WriteEntry(
                bytes.AsSpan((int)places[i].Offset, places[i].EntryBytes),
                places[i],
                EntryKind.Record,
                EntryFlags.None,
                Key.HashOf(bodies[i]),
                new RecordVersion((ulong)i + 1, 0),
                bodies[i]);
        }

        return bytes;
    }

    private Segment SegmentOf(byte[] bytes)
    {
        string folder = Directory.CreateDirectory(_folder.Combine(Guid.NewGuid().ToString("n"))).FullName;
        File.WriteAllBytes(Path.Combine(folder, "00000001.seg"), bytes);
        return Segment.Open(folder, 1);
    }
}
