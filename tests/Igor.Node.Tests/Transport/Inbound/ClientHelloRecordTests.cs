using System.Text;
using Igor.Node.Transport.Inbound;

namespace Igor.Node.Tests;

public class ClientHelloRecordTests
{
    private static readonly byte[] Begins = [22, 3, 1, 0, 200, 1];

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(6)]
    public void The_beginning_of_a_client_hello_is_possible_however_little_has_come(int bytes) =>
        Assert.True(ClientHelloRecord.IsPossible(Begins.AsSpan(0, bytes)));

    [Fact]
    public void The_length_of_the_record_is_known_with_its_header()
    {
        Assert.Equal(ClientHelloRecord.HeaderBytes, ClientHelloRecord.LengthOf(Begins.AsSpan(0, 4)));
        Assert.Equal(205, ClientHelloRecord.LengthOf(Begins));
    }

    [Theory]
    [InlineData("GET / HTTP/1.1")]
    [InlineData("S")]
    [InlineData("\u0016\u0002\u0001")]
    [InlineData("\u0016\u0003\u0001\u0000\u0000")]
    [InlineData("\u0016\u0003\u0001\u007f\u007f")]
    [InlineData("\u0016\u0003\u0001\u0000\u0005\u0002")]
    public void What_no_client_says_first_is_known_at_once(string bytes) =>
        Assert.False(ClientHelloRecord.IsPossible(Encoding.Latin1.GetBytes(bytes)));
}
