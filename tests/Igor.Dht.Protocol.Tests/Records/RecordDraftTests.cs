using CsCheck;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Tests.Records;

public class RecordDraftTests
{
    private static readonly Gen<RecordHeader> s_header = Gen.Select(
            Gen.ULong, Gen.ULong, Gen.Long[0, long.MaxValue], Gen.Int[1, 8], Gen.Bool, Gen.Char.Array[1, 32])
        .Select((clock, writer, expiry, replicas, hasOwner, type) => new RecordHeader
        {
            Key = Key.Max,
            Type = new string(type),
            Version = new RecordVersion(clock, writer),
            ExpiresAtUnixMs = expiry,
            Replicas = replicas,
            Owner = hasOwner ? Key.Max : Key.Zero,
        });

    [Fact]
    public void Record_made_of_a_draft_is_the_one_that_is_encoded_at_once() =>
        Gen.Select(s_header, s_header, Gen.Byte.Array[0, 300]).Sample((first, second, value) =>
        {
            byte[] callers = [.. value];
            var draft = new RecordDraft(callers);
            Array.Fill(callers, (byte)0xDB);
            foreach (RecordHeader header in (RecordHeader[])[first, second])
            {
                Record expected = RecordCodec.Encode(header, value);
                Record made = draft.Make(header);
                Assert.Equal(expected.Header, made.Header);
                Assert.Equal(expected.Encoded.ToArray(), made.Encoded.ToArray());
            }
        });
}
