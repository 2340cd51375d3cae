using MessagePack;

namespace Igor.Kbr.Wire;

/// <summary>
/// Fields behind those that this version knows, in arrays inside a message: whoever reads what comes after
/// the array has to pass over them.
/// </summary>
internal static class FurtherFields
{
    /// <summary>Passes over values, without recursion: a peer's frame must not use up the stack.</summary>
    public static void Skip(ref MessagePackReader reader, long count)
    {
        while (count-- > 0)
        {
            switch (reader.NextMessagePackType)
            {
                case MessagePackType.Array:
                    count += reader.ReadArrayHeader();
                    break;
                case MessagePackType.Map:
                    count += 2L * reader.ReadMapHeader();
                    break;
                default:
                    reader.Skip();
                    break;
            }
        }
    }
}
