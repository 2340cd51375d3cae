using System.Text;

namespace Igor.Dht.Cli.Tests;

public sealed class ArgumentBytesTests
{
    [Fact]
    public void Any_bytes_become_a_string_and_the_same_bytes_again()
    {
        var random = new Random(5);
        for (int round = 0; round < 2000; round++)
        {
            byte[] bytes = new byte[random.Next(12)];
            random.NextBytes(bytes);
            Assert.Equal(bytes, ArgumentBytes.ToBytes(ArgumentBytes.FromBytes(bytes)));
        }

        // Half of a surrogate pair, overlong, cut short, beyond Unicode.
        foreach (byte[] bytes in (byte[][])
            [[0xed, 0xb2, 0x80], [0xc0, 0xaf], [0xe2, 0x82], [0xf4, 0x90, 0x80, 0x80], [0xef, 0xbf, 0xbd]])
        {
            Assert.Equal(bytes, ArgumentBytes.ToBytes(ArgumentBytes.FromBytes(bytes)));
        }
    }

    [Fact]
    public void Text_stays_the_text_it_is()
    {
        foreach (string text in (string[])["", "Grüße", "\U0001f600", "\ufffd", "a\nb"])
        {
            Assert.Equal(text, ArgumentBytes.FromBytes(Encoding.UTF8.GetBytes(text)));
            Assert.True(ArgumentBytes.IsText(text));
        }

        Assert.False(ArgumentBytes.IsText(ArgumentBytes.FromBytes([0xff])));
    }

    [Fact]
    public void Bytes_that_are_not_known_are_not_made_up()
    {
        // No such arguments are on this process's command line, so what stood there is lost.
        string lost = ArgumentBytes.Exact(["\ufffd never given"])[0];
        Assert.False(ArgumentBytes.IsText(lost));
        Assert.Null(ArgumentBytes.ToBytes(lost));
    }
}
