using System.Buffers.Binary;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Overlay.Routing;

/// <summary>
/// Tells a repeat of a request from another request under its number, which anybody on the way can write: a
/// polynomial over what is the same in each attempt, modulo the prime 2^61 - 1, at a point that only this
/// node knows (Carter and Wegman, 1979). Two that differ agree with a chance of their length in 2^60.
/// </summary>
internal sealed class RequestFingerprint(SeededRandom random)
{
    private const ulong Prime = (1UL << 61) - 1;
    private const int WordBytes = 7; // the most that is always below the prime
    private const ulong WordMask = (1UL << (8 * WordBytes)) - 1;
    private const int HeadBytes = ServiceId.SizeInBytes + (2 * Key.SizeInBytes) + (3 * sizeof(ulong));

    private readonly ulong _point = 1 + (random.NextUInt64() % (Prime - 1));

    /// <summary>The fingerprint; 0 for a message that has no number, and so no repeats.</summary>
    /// <param name="header">The message's header.</param>
    /// <param name="isSourceProven">What came from its source itself is no repeat of what did not.</param>
    /// <param name="payload">The message.</param>
    public ulong Of(in RouteHeader header, bool isSourceProven, ReadOnlySpan<byte> payload)
    {
        if (header.RequestNumber == 0)
        {
            return 0;
        }

        Span<byte> head = stackalloc byte[HeadBytes];
        header.Service.Write(head);
        header.Destination.Write(head[ServiceId.SizeInBytes..]);
        header.Source.Write(head[(ServiceId.SizeInBytes + Key.SizeInBytes)..]);
        Span<byte> numbers = head[(ServiceId.SizeInBytes + (2 * Key.SizeInBytes))..];
        BinaryPrimitives.WriteUInt64LittleEndian(numbers, header.RequestNumber);
        ulong flags = ((ulong)header.Flags << 1) | (isSourceProven ? 1UL : 0);
        BinaryPrimitives.WriteUInt64LittleEndian(numbers[8..], flags);
        BinaryPrimitives.WriteUInt64LittleEndian(numbers[16..], (ulong)payload.Length);
        return 1 + Add(Add(0, head), payload);
    }

    private ulong Add(ulong value, ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length >= sizeof(ulong))
        {
            value = Step(value, BinaryPrimitives.ReadUInt64LittleEndian(bytes) & WordMask);
            bytes = bytes[WordBytes..];
        }

        Span<byte> rest = stackalloc byte[2 * sizeof(ulong)];
        rest.Clear();
        bytes.CopyTo(rest);
        value = Step(value, BinaryPrimitives.ReadUInt64LittleEndian(rest) & WordMask);
        return Step(value, BinaryPrimitives.ReadUInt64LittleEndian(rest[WordBytes..]) & WordMask);
    }

    private ulong Step(ulong value, ulong word)
    {
        ulong high = Math.BigMul(value, _point, out ulong low);
        ulong sum = (low & Prime) + ((low >> 61) | (high << 3)) + word;
        sum = (sum & Prime) + (sum >> 61);
        return sum >= Prime ? sum - Prime : sum;
    }
}
