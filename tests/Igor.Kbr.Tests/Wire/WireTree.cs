using System.Buffers;
using MessagePack;

namespace Igor.Kbr.Tests.Wire;

/// <summary>
/// A message taken apart without knowing what it is: arrays of integers, texts, binaries and so on.
/// </summary>
internal static class WireTree
{
    /// <summary>The array that a frame is.</summary>
    public static object?[] Parse(ReadOnlyMemory<byte> frame)
    {
        var reader = new MessagePackReader(frame);
        object? tree = Read(ref reader);
        Assert.True(reader.End, "bytes are left behind the message");
        return Assert.IsType<object?[]>(tree);
    }

    /// <summary>The frame of an array.</summary>
    public static byte[] Write(object?[] tree)
    {
        var buffer = new ArrayBufferWriter<byte>();
        var writer = new MessagePackWriter(buffer);
        Write(ref writer, tree);
        writer.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>The array as a text: binaries in hexadecimal digits.</summary>
    public static string Text(object? value) => value switch
    {
        null => "nil",
        bool b => b ? "true" : "false",
        string s => $"\"{s}\"",
        byte[] b => $"h'{Convert.ToHexStringLower(b)}'",
        object?[] a => $"[{string.Join(", ", a.Select(Text))}]",
        _ => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{value}"),
    };

    private static object? Read(ref MessagePackReader reader)
    {
        switch (reader.NextMessagePackType)
        {
            case MessagePackType.Array:
                var items = new object?[reader.ReadArrayHeader()];
                for (int i = 0; i < items.Length; i++)
                {
                    items[i] = Read(ref reader);
                }

                return items;
            case MessagePackType.Binary:
                return reader.ReadBytes()!.Value.ToArray();
            case MessagePackType.String:
                return reader.ReadString();
            case MessagePackType.Boolean:
                return reader.ReadBoolean();
            case MessagePackType.Nil:
                reader.ReadNil();
                return null;
            case MessagePackType.Float:
                return reader.ReadDouble();
            default:
                return reader.NextCode == MessagePackCode.UInt64 ? reader.ReadUInt64() : reader.ReadInt64();
        }
    }

    private static void Write(ref MessagePackWriter writer, object? value)
    {
        switch (value)
        {
            case object?[] items:
                writer.WriteArrayHeader(items.Length);
                foreach (object? item in items)
                {
                    Write(ref writer, item);
                }

                break;
            case null:
                writer.WriteNil();
                break;
            case byte[] bytes:
                writer.Write(bytes);
                break;
            case string text:
                writer.Write(text);
                break;
            case bool flag:
                writer.Write(flag);
                break;
            case double number:
                writer.Write(number);
                break;
            case ulong number:
                writer.Write(number);
                break;
            default:
                writer.Write(Convert.ToInt64(value, System.Globalization.CultureInfo.InvariantCulture));
                break;
        }
    }
}
