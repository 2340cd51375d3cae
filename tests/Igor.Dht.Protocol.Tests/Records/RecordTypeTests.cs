using CsCheck;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;
using MessagePack;

namespace Igor.Dht.Protocol.Tests.Records;

public class RecordTypeTests
{
    private static readonly Gen<Record> s_record =
        Gen.Select(Gen.ULong[1, 3], Gen.ULong[1, 2], Gen.Byte.Array[0, 3])
        .Select((clock, writer, value) => RecordCodec.Encode(
            new RecordHeader { Key = Key.Max, Type = "value", Version = new RecordVersion(clock, writer) },
            value));

    [Fact]
    public void Merge_does_not_depend_on_order_or_repetition() =>
        Gen.Select(s_record, s_record, s_record).Sample((a, b, c) =>
        {
            Assert.Equal(Bytes(RecordTypes.Merge(a, b)), Bytes(RecordTypes.Merge(b, a)));
            Assert.Equal(
                Bytes(RecordTypes.Merge(RecordTypes.Merge(a, b), c)),
                Bytes(RecordTypes.Merge(a, RecordTypes.Merge(b, c))));
            Assert.Equal(Bytes(a), Bytes(RecordTypes.Merge(a, a)));
        });

    [Fact]
    public void Unknown_type_is_refused_by_name()
    {
        Record record = RecordCodec.Encode(
            new RecordHeader { Key = Key.Max, Type = "counter", Version = new RecordVersion(1, 1) }, [1]);
        Assert.Contains("'counter'", RecordTypes.Shipped.Refusal(record), StringComparison.Ordinal);
    }

    [Fact]
    public void Immutable_record_has_the_hash_of_its_value_as_key_and_its_end_as_version()
    {
        byte[] value = [1, 2, 3];
        var right = new RecordHeader
        {
            Key = DhtKey.ForImmutable(value),
            Type = ImmutableRecordType.TypeName,
            Version = new RecordVersion((1UL << 63) | 5000, 0),
            ExpiresAtUnixMs = 5000,
        };
        Assert.Null(RecordTypes.Shipped.Refusal(RecordCodec.Encode(right, value)));
        Assert.NotNull(RecordTypes.Shipped.Refusal(RecordCodec.Encode(right with { Key = Key.Max }, value)));
        Assert.NotNull(
            RecordTypes.Shipped.Refusal(RecordCodec.Encode(right with { ExpiresAtUnixMs = 1 }, value)));
        Assert.NotNull(
            RecordTypes.Shipped.Refusal(RecordCodec.Encode(right with { IsTombstone = true }, [])));
    }

    [Fact]
    public void Value_claims_no_version_and_no_tombstone_a_life_that_no_writer_can_have_given_it_yet()
    {
        var type = new ValueRecordType();
        const long latest = 1_800_000_000_000;
        RecordHeader At(long versionMs) => new()
        {
            Key = Key.Max,
            Type = ValueRecordType.TypeName,
            Version = new RecordVersion(((ulong)versionMs << 16) | 0xffff, ulong.MaxValue),
        };
        RecordHeader EndingAt(long endMs) =>
            At(latest) with { IsTombstone = true, ExpiresAtUnixMs = endMs };
        Assert.Null(type.RefusalAt(At(latest), latest));
        Assert.NotNull(type.RefusalAt(At(latest + 1), latest));
        Assert.NotNull(type.RefusalAt(At((1L << 47) - 1), latest));
        Assert.NotNull(type.RefusalAt(At(1), -5));
        long life = (long)ValueRecordType.TombstoneLife.TotalMilliseconds;
        Assert.Null(type.RefusalAt(EndingAt(latest + life), latest));
        Assert.NotNull(type.RefusalAt(EndingAt(latest + life + 1), latest));
        Assert.NotNull(type.RefusalAt(EndingAt(long.MaxValue), latest));
        Assert.Null(type.RefusalAt(At(latest) with { ExpiresAtUnixMs = long.MaxValue }, latest));
    }

    [Fact]
    public void Value_with_the_version_of_an_immutable_record_is_refused()
    {
        var header = new RecordHeader
        {
            Key = DhtKey.ForImmutable([1]),
            Type = ValueRecordType.TypeName,
            Version = new RecordVersion((1UL << 63) - 1, ulong.MaxValue),
        };
        Assert.Null(RecordTypes.Shipped.Refusal(RecordCodec.Encode(header, [2])));
        header = header with { Version = new RecordVersion(1UL << 63, 0) };
        Assert.NotNull(RecordTypes.Shipped.Refusal(RecordCodec.Encode(header, [2])));
    }

    [Fact]
    public void Two_types_of_one_name_are_refused() => Assert.Throws<ArgumentException>(
        () => new RecordTypes(new ValueRecordType(), new ValueRecordType()));

    [Fact]
    public void Clock_makes_growing_versions_while_time_stands_still_or_runs_back()
    {
        var clock = new HybridClock(7, TimeSpan.FromSeconds(60));
        RecordVersion last = RecordVersion.None;
        foreach (long now in (long[])[1000, 1000, 900, 2000, 1])
        {
            RecordVersion next = clock.Next(now);
            Assert.True(next > last);
            last = next;
        }
    }

    [Fact]
    public void Clock_goes_above_a_version_from_the_far_future_once_and_is_not_dragged_along()
    {
        var clock = new HybridClock(7, TimeSpan.FromSeconds(60));
        var far = new RecordVersion(ulong.MaxValue >> 4, 1);
        Assert.True(clock.Above(far, 1000) > far);
        Assert.True(clock.Next(1000) < far);
    }

    [Fact]
    public void Clock_is_not_held_ahead_by_versions_that_it_made_before_the_time_was_corrected()
    {
        var clock = new HybridClock(7, TimeSpan.FromSeconds(60));
        clock.Next(86_400_000);
        clock.Observe(new RecordVersion(86_400_000UL << HybridClock.CounterBits, 1), 86_400_000);
        RecordVersion corrected = clock.Next(10_000);
        Assert.Equal(10_000, VersionTime.UnixMsOf(corrected));
        Assert.True(clock.Next(9_000) > corrected);
    }

    [Fact]
    public void Demoted_version_is_older_than_all_of_our_days_and_keeps_its_place_among_its_like() =>
        Gen.Select(
            Gen.Long[1_600_000_000_000, 4_000_000_000_000],
            Gen.Long[1_600_000_000_000, 250_000_000_000_000],
            Gen.Long[1, 1_000_000_000]).Sample((ourDays, future, later) =>
            {
                RecordVersion demoted = VersionTime.Demoted(VersionOf(future));
                Assert.True(demoted < VersionOf(ourDays));
                Assert.True(demoted > RecordVersion.None);
                Assert.True(VersionTime.Demoted(VersionOf(future + later)) > demoted);
            });

    [Fact]
    public void Record_under_another_version_keeps_its_other_bytes()
    {
        var header = new RecordHeader
        {
            Key = Key.Max,
            Type = "value",
            Version = VersionOf(1_800_000_000_000),
            ExpiresAtUnixMs = 5,
        };
        Record record = RecordCodec.Encode(header, "value"u8);
        RecordVersion version = VersionTime.Demoted(header.Version);
        Record other = RecordCodec.WithVersion(record, version)!;
        Record read = RecordCodec.TryDecode(other.Encoded, out _)!;
        Assert.Equal(record.Header with { Version = version }, read.Header);
        Assert.Equal("value"u8.ToArray(), RecordCodec.ValueOf(read).ToArray());
        Assert.Equal(record.Encoded.Length, read.Encoded.Length);
        Assert.Equal(header.Version, record.Header.Version);
    }

    private static RecordVersion VersionOf(long unixMs) =>
        new((ulong)unixMs << HybridClock.CounterBits, 3);

    [Theory]
    [InlineData(500, true)]
    [InlineData(600_000, false)]
    public void Fields_after_the_known_ones_are_kept_up_to_a_kibibyte(int length, bool isTaken)
    {
        Record record = RecordCodec.Encode(
            new RecordHeader { Key = Key.Max, Type = "value", Version = new RecordVersion(1, 1) }, []);
        var buffer = new System.Buffers.ArrayBufferWriter<byte>();
        var writer = new MessagePackWriter(buffer);
        writer.WriteArrayHeader(10);
        writer.WriteRaw(record.Encoded.Span[1..]);
        writer.Write(new byte[length]);
        writer.Flush();
        Record? decoded = RecordCodec.TryDecode(buffer.WrittenMemory, out string error);
        Assert.Equal((isTaken, isTaken), (decoded is not null, error.Length == 0));
        Assert.True(decoded is null || decoded.Encoded.Span.SequenceEqual(buffer.WrittenSpan));
    }

    private static byte[] Bytes(Record record) => record.Encoded.ToArray();
}
