using System.Collections.Immutable;
using CsCheck;
using Igor.Kbr.Tests.Keys;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Tests.Wire.Messages;

public class NearQueryTests
{
    private static readonly Gen<ImmutableArray<Contact>> Contacts =
        KeyTests.Keys.Array[0, WireLimits.ContactsMax].Select(
            keys => keys.Select(key => new Contact(key, ["192.0.2.7:4000"])).ToImmutableArray());

    [Fact]
    public void Question_who_is_near_is_read_again_also_with_further_fields()
    {
        byte[] payload = new NearQuery(7, [1, uint.MaxValue]).Write().ToArray();
        foreach (byte[] asked in new[] { payload, WireTree.Write([.. WireTree.Parse(payload), "further"]) })
        {
            Assert.True(NearQuery.TryRead(asked, out NearQuery query));
            Assert.Equal(7, query.ContactsMax);
            Assert.Equal([1u, uint.MaxValue], query.Known.ToArray());
        }
    }

    [Fact]
    public void Payload_that_asks_something_else_or_lacks_a_field_is_refused()
    {
        Assert.False(NearQuery.TryRead(default, out _));
        Assert.False(NearQuery.TryRead(WireTree.Write([]), out _));
        Assert.False(NearQuery.TryRead(WireTree.Write(["near"]), out _));
        Assert.False(NearQuery.TryRead(WireTree.Write([1L, 7L, Array.Empty<byte>()]), out _));
        Assert.False(NearQuery.TryRead(WireTree.Write([0L, 7L]), out _));
    }

    [Fact]
    public void Answer_round_trips_also_with_further_fields_in_it() => Contacts.Sample(contacts =>
    {
        ReadOnlyMemory<byte> payload = NearReply.Write(contacts);
        Assert.True(NearReply.TryRead(payload, out ImmutableArray<Contact> read));
        Assert.Equal(Text(contacts), Text(read));

        object?[] tree = WireTree.Parse(payload);
        object?[] grown = [.. ((object?[])tree[0]!).Select(c => (object?[])[.. (object?[])c!, 1, "further"])];
        Assert.True(NearReply.TryRead(WireTree.Write([grown, true]), out read));
        Assert.Equal(Text(contacts), Text(read));
    });

    [Fact]
    public void Any_bytes_are_an_answer_or_refused() =>
        Gen.Select(Contacts, Gen.Int[0, 10_000], Gen.Byte, Gen.Bool).Sample((contacts, place, value, isCut) =>
        {
            byte[] bytes = NearReply.Write(contacts).ToArray();
            bytes[place % bytes.Length] = value;
            NearReply.TryRead(isCut ? bytes.AsMemory(0, place % bytes.Length) : bytes, out _);
        });

    private static string Text(ImmutableArray<Contact> contacts) =>
        string.Join(' ', contacts.Select(c => $"{c.Id}@{string.Join('|', c.Addresses)}"));
}
