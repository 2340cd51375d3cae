using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using MessagePack;

namespace Igor.Kbr.Wire;

/// <summary>A peer's frame breaks the protocol; caught where frames come in: it is disconnected.</summary>
internal sealed class ProtocolException(string message) : Exception(message);

/// <summary>The parts that messages between peers are made of.</summary>
internal static class PeerCodec
{
    private const int ErrorBytesMax = 4 * KbrReply.ErrorLengthMax;

    public delegate T Reader<T>(ref MessagePackReader reader);

    /// <summary>
    /// Reads what others wrote; false, and the rule that it breaks, when it makes no sense. The one place
    /// where the many kinds of exceptions that MessagePack throws then become a value.
    /// </summary>
    public static bool TryRead<T>(
        ReadOnlyMemory<byte> bytes,
        Reader<T> read,
        [MaybeNullWhen(false)] out T value,
        [NotNullWhen(false)] out string? rule)
    {
        try
        {
            var reader = new MessagePackReader(bytes);
            value = read(ref reader);
            rule = null;
            return true;
        }
        catch (Exception e) when (e is ProtocolException or MessagePackSerializationException
            or EndOfStreamException or OverflowException or ArgumentException
            or InvalidOperationException or InvalidCastException)
        {
            value = default;
            rule = e is ProtocolException ? e.Message : $"a {typeof(T).Name} is malformed: {e.Message}";
            return false;
        }
    }

    public static void Require(bool condition, string rule)
    {
        if (!condition)
        {
            throw new ProtocolException(rule);
        }
    }

    public static string ReadText(ref MessagePackReader reader, int lengthMax)
    {
        ReadOnlySequence<byte> utf8 = reader.ReadStringSequence() ?? default;
        string? text = StrictUtf8.TextOf(utf8);
        Require(text is not null, "a text is UTF-8");
        Require(text!.Length <= lengthMax, $"a text has at most {lengthMax} characters here");
        return text;
    }

    /// <summary>An application's error as the payload of a reply: UTF-8, cut to its bound.</summary>
    public static byte[] WriteError(string error) =>
        Encoding.UTF8.GetBytes(KbrReply.Cut(error));

    /// <summary>Reads an error: whatever the bytes, a text within its bound.</summary>
    public static string ReadError(ReadOnlySpan<byte> utf8) =>
        KbrReply.Cut(Encoding.UTF8.GetString(utf8[..Math.Min(utf8.Length, ErrorBytesMax)]));

    /// <summary>Reads a wall clock, in milliseconds since 1970 UTC; 0 where it makes no sense.</summary>
    public static long ReadWallClock(ref MessagePackReader reader)
    {
        long unixMs = reader.ReadInt64();
        return unixMs is >= 0 and <= WireLimits.UnixMsMax ? unixMs : 0;
    }

    public static void WriteService(ref MessagePackWriter writer, ServiceId service)
    {
        writer.WriteBinHeader(ServiceId.SizeInBytes);
        service.Write(writer.GetSpan(ServiceId.SizeInBytes));
        writer.Advance(ServiceId.SizeInBytes);
    }

    public static ServiceId ReadService(ref MessagePackReader reader)
    {
        ReadOnlySequence<byte>? bytes = reader.ReadBytes();
        Require(bytes is { Length: ServiceId.SizeInBytes }, "a service is a binary of 16 bytes");
        Span<byte> copy = stackalloc byte[ServiceId.SizeInBytes];
        bytes!.Value.CopyTo(copy);
        return ServiceId.Read(copy);
    }

    public static void WriteAddresses(ref MessagePackWriter writer, ImmutableArray<string> addresses)
    {
        writer.WriteArrayHeader(addresses.Length);
        foreach (string address in addresses)
        {
            writer.Write(address);
        }
    }

    public static ImmutableArray<string> ReadAddresses(ref MessagePackReader reader) => ReadArray(
        ref reader,
        WireLimits.AddressesMax,
        "too many addresses",
        static (ref MessagePackReader r) => ReadText(ref r, WireLimits.AddressLengthMax));

    /// <summary>Writes services as one binary, 16 bytes each.</summary>
    public static void WriteServices(ref MessagePackWriter writer, ImmutableArray<ServiceId> services)
    {
        writer.WriteBinHeader(services.Length * ServiceId.SizeInBytes);
        foreach (ServiceId service in services)
        {
            service.Write(writer.GetSpan(ServiceId.SizeInBytes));
            writer.Advance(ServiceId.SizeInBytes);
        }
    }

    public static ImmutableArray<ServiceId> ReadServices(
        ref MessagePackReader reader, int most = WireLimits.ServicesMax)
    {
        ReadOnlySequence<byte> bytes = reader.ReadBytes() ?? default;
        Require(bytes.Length % ServiceId.SizeInBytes == 0, "a service has 16 bytes");
        Require(bytes.Length <= most * ServiceId.SizeInBytes, "too many services");
        var services = ImmutableArray.CreateBuilder<ServiceId>((int)bytes.Length / ServiceId.SizeInBytes);
        Span<byte> service = stackalloc byte[ServiceId.SizeInBytes];
        for (; bytes.Length > 0; bytes = bytes.Slice(service.Length))
        {
            bytes.Slice(0, service.Length).CopyTo(service);
            services.Add(ServiceId.Read(service));
        }

        return services.MoveToImmutable();
    }

    /// <summary>Writes short terms of nodes as one binary, four bytes each.</summary>
    public static void WriteTerms(ref MessagePackWriter writer, ImmutableArray<uint> terms)
    {
        writer.WriteBinHeader(terms.Length * sizeof(uint));
        foreach (uint term in terms)
        {
            BinaryPrimitives.WriteUInt32BigEndian(writer.GetSpan(sizeof(uint)), term);
            writer.Advance(sizeof(uint));
        }
    }

    public static ImmutableArray<uint> ReadTerms(ref MessagePackReader reader)
    {
        ReadOnlySequence<byte> bytes = reader.ReadBytes() ?? default;
        Require(bytes.Length % sizeof(uint) == 0, "a term has four bytes");
        Require(bytes.Length <= WireLimits.TermsMax * sizeof(uint), "too many terms");
        var terms = ImmutableArray.CreateBuilder<uint>((int)bytes.Length / sizeof(uint));
        var rest = new SequenceReader<byte>(bytes);
        while (rest.TryReadBigEndian(out int term))
        {
            terms.Add((uint)term);
        }

        return terms.MoveToImmutable();
    }

    public static void WriteContacts(ref MessagePackWriter writer, ImmutableArray<Contact> contacts)
    {
        int count = Math.Min(contacts.Length, WireLimits.ContactsMax);
        writer.WriteArrayHeader(count);
        for (int i = 0; i < count; i++)
        {
            contacts[i].Write(ref writer);
        }
    }

    public static ImmutableArray<Contact> ReadContacts(ref MessagePackReader reader) =>
        ReadArray(ref reader, WireLimits.ContactsMax, "too many contacts", Contact.Read);

    private static ImmutableArray<T> ReadArray<T>(
        ref MessagePackReader reader, int most, string rule, Reader<T> read)
    {
        int count = reader.ReadArrayHeader();
        Require(count <= most, rule);
        var items = ImmutableArray.CreateBuilder<T>(count);
        while (items.Count < count)
        {
            items.Add(read(ref reader));
        }

        return items.MoveToImmutable();
    }
}
