using Igor.Dht.Protocol.Ring;
using Igor.Dht.Protocol.Views;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Registers;

/// <summary>A takeover under way, and how long it is waited for.</summary>
internal sealed record TakeoverAttempt(Takeover Takeover, KeySpan Span, TimeSpan Since)
{
    /// <summary>
    /// After which time less than all is taken, so that one voter out of reach stops no others.
    /// </summary>
    private static readonly TimeSpan PatienceForAll = TimeSpan.FromMilliseconds(400);

    /// <summary>After which time it is given up: longer than any lease.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    /// <summary>What was won; nothing when it is given up, null while it goes on.</summary>
    public IReadOnlyList<WonPiece>? WonBy(TimeSpan now)
    {
        IReadOnlyList<WonPiece> won = Takeover.Won();
        Key covered = Span.First;
        bool isAll = false;
        foreach (WonPiece piece in won)
        {
            if (piece.Span.First != covered)
            {
                break;
            }

            isAll = piece.Span.Last == Span.Last;
            covered = piece.Span.Last + KeySpan.One;
        }

        bool isEnough = isAll || (won.Count > 0 && now >= Since + PatienceForAll);
        return isEnough ? won
            : Takeover.IsOutvoted || now >= Since + Patience ? []
            : null;
    }
}
