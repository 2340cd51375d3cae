using Igor.Node.Addresses;

namespace Igor.Node.Tests;

public sealed class HostPortFaultTests
{
    [Theory]
    [InlineData("localhost:1")]
    [InlineData("example.org.:65535")]
    [InlineData("under_score:1")]
    [InlineData("192.0.2.7:4646")]
    [InlineData("[::1]:1")]
    [InlineData("[fe80::1%eth0]:1")]
    [InlineData("[::ffff:192.0.2.7]:1")]
    public void Address_that_is_well_written_has_no_fault(string text) =>
        Assert.Null(HostPort.Fault(text, isToListen: false));

    [Theory]
    [InlineData("::1:7812", "[::1]:7812")]
    [InlineData("2001:db8::7:4646", "[2001:db8::7]:4646")]
    [InlineData("::1", "[::1]:4646")]
    [InlineData("[::1]", "[::1]:4646")]
    public void Missing_brackets_are_shown(string text, string right) => Assert.EndsWith(
        "such as " + right, HostPort.Fault(text, isToListen: false), StringComparison.Ordinal);

    [Theory]
    [InlineData("")]
    [InlineData("foo")]
    [InlineData("7001")]
    [InlineData(":7001")]
    [InlineData("host:")]
    [InlineData("host:x")]
    [InlineData("host:+1")]
    [InlineData("[foo:bar]:1")]
    [InlineData("[::1%]:1")]
    [InlineData("256.1.1.1:1")]
    [InlineData("1.2.3:1")]
    [InlineData("a..b:1")]
    [InlineData("-a:1")]
    [InlineData("a%b:1")]
    [InlineData("tcp://a:1")]
    public void Malformed_address_is_told_the_form(string text) =>
        Assert.Contains("HOST:PORT", HostPort.Fault(text, isToListen: true), StringComparison.Ordinal);

    [Fact]
    public void Free_port_is_for_listening_only()
    {
        Assert.Null(HostPort.Fault("localhost:0", isToListen: true));
        Assert.NotNull(HostPort.Fault("localhost:0", isToListen: false));
    }
}
