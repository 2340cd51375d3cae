using Igor.Node.Addresses;

namespace Igor.Node.Tests;

public sealed class HostPortTests
{
    [Theory]
    [InlineData("localhost:80", "localhost", 80)]
    [InlineData("127.0.0.1:0", "127.0.0.1", 0)]
    [InlineData("[::1]:65535", "::1", 65535)]
    public void Address_that_is_well_written_is_read_and_written_back(string text, string host, int port)
    {
        Assert.True(HostPort.TryParse(text, out HostPort address));
        Assert.Equal(new HostPort(host, port), address);
        Assert.Equal(text, address.ToString());
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData(":80")]
    [InlineData("host")]
    [InlineData("host:")]
    [InlineData("host:-1")]
    [InlineData("host:65536")]
    [InlineData("host: 80")]
    [InlineData("::1:80")]
    [InlineData("[host]:80")]
    [InlineData("a b:80")]
    [InlineData("http://host:80")]
    [InlineData("ho\0st:80")]
    [InlineData("h\u00f6st:80")]
    public void Address_that_is_badly_written_is_refused(string? text) =>
        Assert.False(HostPort.TryParse(text, out _));
}
