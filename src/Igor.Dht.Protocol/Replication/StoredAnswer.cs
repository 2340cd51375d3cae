using Igor.Dht.Protocol.Messages;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Replication;

/// <summary>What a replica says of a record that it was to store, and what that means for people.</summary>
internal static class StoredAnswer
{
    /// <summary>Reads a replica's answer; returns what it means when the record is not held there.</summary>
    public static string Read(in KbrReply reply, out StoredEntry? entry)
    {
        entry = null;
        return reply.Status switch
        {
            KbrStatus.Ok => Read(reply.Payload, out entry),
            KbrStatus.Timeout => "did not answer in time",
            _ => "cannot be reached",
        };
    }

    public static string Explain(StoredStatus status) => status switch
    {
        StoredStatus.OverQuota => "has no room left under its quota",
        StoredStatus.Busy => "has too much waiting for its disk",
        StoredStatus.Refused => "does not accept the record",
        _ => "could not store it: its disk is full or failed",
    };

    private static string Read(ReadOnlyMemory<byte> payload, out StoredEntry? entry)
    {
        entry = null;
        Decoding.TryReadKind(payload, out MessageKind kind, out string fault);
        switch (kind)
        {
            case MessageKind.Stored
                when Decoding.TryRead(payload, ReplicaMessages.ReadStored, out var entries, out fault):
                entry = entries is [StoredEntry stored] ? stored : null;
                return entry is { } one ? Explain(one.Status) : "gave an answer of another kind";
            case MessageKind.Refused
                when Decoding.TryRead(payload, CommonMessages.ReadRefused, out var refused, out fault):
                return "refuses: " + refused.Text;
            case MessageKind.Busy
                when Decoding.TryRead(payload, MessageParts.ReadText, out var text, out fault):
                return "is busy: " + text;
            default:
                return fault.Length > 0
                    ? "sent a malformed answer: " + fault
                    : "gave an answer of another kind";
        }
    }
}
