using System.Diagnostics.CodeAnalysis;
using Igor.Kbr;
using MessagePack;

namespace Igor.Dht.Protocol.Messages;

/// <summary>Reads what follows the kind of a message.</summary>
internal delegate T FieldsReading<T>(ref MessagePackReader reader);

/// <summary>
/// The one place where bytes of others become messages, or turn out to be none. Handling begins after it, so
/// that a failure there is a fault of this node's and not taken for one of the bytes.
/// </summary>
internal static class Decoding
{
    /// <summary>Whether an answer says that it is done.</summary>
    public static bool IsDone(in KbrReply reply) => reply.Status == KbrStatus.Ok
        && TryReadKind(reply.Payload, out MessageKind kind, out _) && kind == MessageKind.Done;

    /// <summary>Reads the kind of a message.</summary>
    /// <returns>Whether it has one; if not, the fault says why, for people.</returns>
    public static bool TryReadKind(ReadOnlyMemory<byte> payload, out MessageKind kind, out string fault)
    {
        bool isMessage = TryRead(payload, static (ref MessagePackReader _) => true, out _, out fault);
        kind = default;
        if (isMessage)
        {
            var reader = new MessagePackReader(payload);
            kind = CommonMessages.ReadKind(ref reader);
        }

        return isMessage;
    }

    /// <summary>Reads the fields of a message whose kind is known.</summary>
    /// <returns>Whether they are such fields; if not, the fault says why, for people.</returns>
    public static bool TryRead<T>(
        ReadOnlyMemory<byte> payload,
        FieldsReading<T> fields,
        [MaybeNullWhen(false)] out T message,
        out string fault)
    {
        try
        {
            var reader = new MessagePackReader(payload);
            CommonMessages.ReadKind(ref reader);
            message = fields(ref reader);
            fault = string.Empty;
            return true;
        }
        catch (Exception e) when (e is MessagePackSerializationException or EndOfStreamException
            or OverflowException or ArgumentException or InvalidOperationException)
        {
            message = default;
            fault = e.Message;
            return false;
        }
    }

    /// <summary>
    /// Whether a message is one record for the most part: a look at its first bytes, for who would make a
    /// copy of the one or of the other.
    /// </summary>
    public static bool IsRecord(ReadOnlySpan<byte> payload) => payload.Length > 4
        && (MessageKind)payload[1] switch
        {
            MessageKind.Put or MessageKind.Got => true,
            MessageKind.Store => payload[3] == MessagePackCode.MinFixArray + 1,
            MessageKind.Fetched => payload[2] == MessagePackCode.MinFixArray + 4,
            _ => false,
        };

    /// <summary>Reads a message that has to be of one kind.</summary>
    /// <returns>Whether it is of that kind, and whole.</returns>
    public static bool TryRead<T>(
        ReadOnlyMemory<byte> payload,
        MessageKind kind,
        FieldsReading<T> fields,
        [MaybeNullWhen(false)] out T message)
    {
        message = default;
        return TryReadKind(payload, out MessageKind received, out _) && received == kind
            && TryRead(payload, fields, out message, out _);
    }
}
