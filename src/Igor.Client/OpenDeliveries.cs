using Igor.Kbr;
using Igor.Local.Protocol;

namespace Igor.Client;

/// <summary>
/// The tokens of deliveries. Those of a connection count up from 1; the application's never repeat over all
/// connections, so that an answer to a delivery of an earlier one goes nowhere.
/// </summary>
internal sealed class OpenDeliveries(Func<DaemonConnection?> connected)
{
    private long _base; // tokens of earlier connections are at most this
    private long _last;

    /// <summary>The application's token for a connection's.</summary>
    public DeliveryToken Add(long token)
    {
        if (token <= 0)
        {
            return DeliveryToken.None;
        }

        long local = Volatile.Read(ref _base) + token;
        Volatile.Write(ref _last, Math.Max(local, Volatile.Read(ref _last)));
        return new DeliveryToken(local);
    }

    /// <summary>The connection is gone, and nobody waits for answers to what it brought.</summary>
    public void Forget() => Volatile.Write(ref _base, Volatile.Read(ref _last));

    /// <summary>Answers a delivery.</summary>
    public void Reply(DeliveryToken delivery, ReadOnlyMemory<byte> payload)
    {
        if (Find(delivery, out long sent) is not { } connection)
        {
            return;
        }

        if (payload.Length > connection.Welcome.PayloadBytesMax)
        {
            string error = $"an answer of {payload.Length} bytes is too large";
            connection.TrySend(new FailFrame(sent, IsTemporary: false, error));
        }
        else if (!connection.TrySendPayload(new ReplyFrame(sent, payload)))
        {
            connection.TrySend(new FailFrame(sent, IsTemporary: true, "too many answers wait to leave"));
        }
    }

    /// <summary>Answers a delivery with an error.</summary>
    public void Fail(DeliveryToken delivery, string error, bool isTemporary) =>
        Find(delivery, out long sent)?.TrySend(new FailFrame(sent, isTemporary, KbrReply.Cut(error)));

    private DaemonConnection? Find(DeliveryToken delivery, out long sent)
    {
        DaemonConnection? connection = connected(); // first: the base may be of a later one, never earlier
        sent = delivery.Value - Volatile.Read(ref _base);
        return sent > 0 ? connection : null;
    }
}
