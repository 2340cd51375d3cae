using Igor.Kbr.Wire;
using MessagePack;

namespace Igor.Kbr.Tests;

public sealed class TextTests
{
    [Theory]
    [InlineData("Grüße \U0001f600", "Grüße \U0001f600")]
    [InlineData("\x1b[31m\n", "\\x1b[31m\\x0a")]
    [InlineData("\u009b\u202e\u2028", "\\u009b\\u202e\\u2028")]
    public void Text_for_terminals_holds_nothing_that_they_obey(string text, string printable)
    {
        Assert.Equal(printable, PrintableText.Of(text));
    }

    [Fact]
    public void What_is_no_text_is_shown_as_what_it_is()
    {
        Assert.Equal("\\xff\\ud800", PrintableText.Of("\udcff\ud800"));
    }

    [Theory]
    [InlineData("a\nb")]
    [InlineData("a\u001b[2Jb")]
    [InlineData("a\u007f")]
    [InlineData("a\u0085")]
    [InlineData("a\u2028b")]
    [InlineData("a\u202eb")]
    public void Name_that_shows_as_another_names_no_service(string name)
    {
        Assert.False(ServiceId.IsValidName(name));
        Assert.Throws<ArgumentException>(() => ServiceId.FromName(name));
        Assert.True(ServiceId.IsValidName("häuser \U0001f600"));
    }

    [Fact]
    public void Names_that_differ_never_become_the_same_bytes()
    {
        foreach (string half in (string[])["k\ud800", "k\udfff", "\udc00\ud800"])
        {
            Assert.False(StrictUtf8.HasBytes(half));
            Assert.Throws<ArgumentException>(() => StrictUtf8.GetBytes(half, nameof(half)));
            Assert.Throws<ArgumentException>(() => ServiceId.FromName(half));
            Assert.Throws<ArgumentException>(() => Key.HashOf(half));
            Assert.False(ServiceId.IsValidName(half));
        }

        Assert.True(StrictUtf8.HasBytes("a\U0001f600b"));
        Assert.Null(StrictUtf8.TextOf([0xff]));
        Assert.Equal("\ufffd", StrictUtf8.TextOf([0xef, 0xbf, 0xbd]));
    }

    [Fact]
    public void Text_of_a_peer_that_is_not_utf8_breaks_the_protocol()
    {
        byte[] frame = [0xa2, (byte)'k', 0xff];
        Assert.Throws<ProtocolException>(() =>
        {
            var reader = new MessagePackReader(frame);
            PeerCodec.ReadText(ref reader, 100);
        });
    }
}
