using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Igor.Dht.Cli.Values;

namespace Igor.Dht.Cli.Output;

/// <summary>Writes JSON objects of one line, by hand, because serialisers cost start-up time.</summary>
internal static class JsonText
{
    private static readonly JsonWriterOptions s_options =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>One object, whose members the callback writes.</summary>
    public static string Object(Action<Utf8JsonWriter> members) =>
        Encoding.UTF8.GetString(ObjectBytes(members));

    /// <summary>One object in UTF-8, whose members the callback writes.</summary>
    public static ReadOnlySpan<byte> ObjectBytes(Action<Utf8JsonWriter> members)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, s_options))
        {
            writer.WriteStartObject();
            members(writer);
            writer.WriteEndObject();
        }

        return buffer.WrittenSpan;
    }

    /// <summary>A member with the name of a record: as text, or in Base64 where it is none.</summary>
    public static void Name(Utf8JsonWriter writer, RecordName name)
    {
        if (name.Text is { } text)
        {
            writer.WriteString("name", text);
        }
        else
        {
            writer.WriteBase64String("nameBase64", name.Bytes);
        }
    }

    /// <summary>A member with an array of texts.</summary>
    public static void Texts(Utf8JsonWriter writer, string name, IEnumerable<string> texts)
    {
        writer.WriteStartArray(name);
        foreach (string text in texts)
        {
            writer.WriteStringValue(text);
        }

        writer.WriteEndArray();
    }
}
