using System.Buffers;
using System.Text;
using MessagePack;

namespace Igor.EndToEnd.Peers;

/// <summary>What tests want to know of a frame between peers (docs/protocol.md).</summary>
internal static class Frames
{
    public const int Hello = 1;
    public const int Ping = 3;
    public const int Pong = 4;
    public const int Goodbye = 5;
    public const int Neighbours = 6;
    public const int Route = 16;

    /// <summary>The message's type: the first field of the array.</summary>
    public static int TypeOf(byte[] body)
    {
        var reader = new MessagePackReader(body);
        return reader.ReadArrayHeader() > 0 ? reader.ReadInt32() : 0;
    }

    /// <summary>The reason and the text of a goodbye.</summary>
    public static (int Reason, string Text) ReadGoodbye(byte[] body)
    {
        var reader = new MessagePackReader(body);
        reader.ReadArrayHeader();
        Assert.Equal(Goodbye, reader.ReadInt32());
        return (reader.ReadInt32(), reader.ReadString() ?? string.Empty);
    }

    /// <summary>The answer to a ping.</summary>
    public static ReadOnlyMemory<byte> PongTo(byte[] ping)
    {
        var reader = new MessagePackReader(ping);
        reader.ReadArrayHeader();
        reader.ReadInt32();
        ulong nonce = reader.ReadUInt64();
        var body = new ArrayBufferWriter<byte>();
        var writer = new MessagePackWriter(body);
        writer.WriteArrayHeader(3);
        writer.Write(Pong);
        writer.Write(nonce);
        writer.Write(0); // it does not say what its clock shows
        writer.Flush();
        return body.WrittenMemory;
    }

    /// <summary>Whether a text, or any bytes of one, are somewhere in a frame.</summary>
    public static bool Contains(byte[] body, string text) =>
        body.AsSpan().IndexOf(Encoding.UTF8.GetBytes(text)) >= 0;
}
