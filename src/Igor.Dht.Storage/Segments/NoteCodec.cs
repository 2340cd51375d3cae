using System.Buffers.Binary;
using System.Text;

namespace Igor.Dht.Storage.Segments;

/// <summary>The body of a note: length of its name (2 bytes), name in UTF-8, content.</summary>
internal static class NoteCodec
{
    /// <summary>Encodes a note.</summary>
    public static byte[] Encode(string name, ReadOnlySpan<byte> content)
    {
        int nameLength = Encoding.UTF8.GetByteCount(name);
        var body = new byte[2 + nameLength + content.Length];
        BinaryPrimitives.WriteUInt16LittleEndian(body, (ushort)nameLength);
        Encoding.UTF8.GetBytes(name, body.AsSpan(2));
        content.CopyTo(body.AsSpan(2 + nameLength));
        return body;
    }

    /// <summary>Decodes a note; false for bytes that are none.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> body, out string name, out byte[] content)
    {
        name = string.Empty;
        content = [];
        if (body.Length < 2 || body.Length < 2 + BinaryPrimitives.ReadUInt16LittleEndian(body))
        {
            return false;
        }

        int nameLength = BinaryPrimitives.ReadUInt16LittleEndian(body);
        name = Encoding.UTF8.GetString(body.Slice(2, nameLength));
        content = body[(2 + nameLength)..].ToArray();
        return true;
    }
}
