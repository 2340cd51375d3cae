using Igor.Kbr.Overlay.Machines;
using Igor.Node.Transport.Links;

namespace Igor.Node.Transport;

/// <summary>
/// Connects to one of several addresses: each is begun a moment after the one before, or at once when that
/// has failed, and the first that leads to where it should wins (Happy Eyeballs, RFC 8305). An address that
/// leads elsewhere, such as one that another host, or this one, has on a bridge of its own, wins only when no
/// other does.
/// </summary>
internal static class AddressRace
{
    /// <summary>RFC 8305, section 5: what lets one that works nearly always win alone.</summary>
    public static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(250);

    /// <summary>Runs a race.</summary>
    /// <param name="count">How many addresses there are. At least 1.</param>
    /// <param name="moment">How much later the next one begins.</param>
    /// <param name="attempt">Connects to one of them; what it returns when it has lost is closed.</param>
    /// <param name="stopping">Ends the race.</param>
    /// <param name="outer">That of the attempt which this race is, when it is one of another race.</param>
    public static async Task<DialOutcome> RunAsync(
        int count,
        TimeSpan moment,
        Func<int, HeadStart, Task<DialOutcome>> attempt,
        CancellationToken stopping,
        HeadStart? outer = null)
    {
        using var lost = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        var running = new Dictionary<Task<DialOutcome>, int>();
        var causes = new List<string>();
        DialOutcome spare = default;
        int begun = 0;
        Task next = Task.CompletedTask;
        try
        {
            while (begun < count || running.Count > 0)
            {
                if (begun < count && (next.IsCompleted || running.Count == 0))
                {
                    var start = new HeadStart(moment, lost.Token, outer);
                    running.Add(TryAsync(attempt, begun, start), begun);
                    next = start.OverAsync();
                    begun++;
                }

                IEnumerable<Task> waited = begun < count ? running.Keys.Append(next) : running.Keys;
                if (await Task.WhenAny(waited).ConfigureAwait(false) is not Task<DialOutcome> ended)
                {
                    continue;
                }

                running.Remove(ended, out int at);
                DialOutcome outcome = await ended.ConfigureAwait(false) with
                {
                    Progress = new DialProgress(at, begun - 1 - at),
                };
                if (outcome is { Secured: not null, IsWanted: true })
                {
                    return outcome;
                }

                next = at == begun - 1 && begun < count ? Task.CompletedTask : next;
                Keep(outcome, ref spare, causes);
            }

            if (spare.Secured is null)
            {
                return DialOutcome.Failed(string.Join(", or ", causes.Distinct()));
            }

            DialProgress known = spare.Progress;
            DialOutcome last = spare with { Progress = known with { Later = count - 1 - known.Winner } };
            spare = default;
            return last;
        }
        finally
        {
            await lost.CancelAsync().ConfigureAwait(false);
            spare.Secured?.Dispose();
            foreach (Task<DialOutcome> loser in running.Keys)
            {
                _ = CloseAsync(loser);
            }
        }
    }

    /// <summary>
    /// What breaks one attempt, such as a family of addresses that this host has no sockets for, is that
    /// one's failure: the others go on.
    /// </summary>
    private static async Task<DialOutcome> TryAsync(
        Func<int, HeadStart, Task<DialOutcome>> attempt, int at, HeadStart start)
    {
        try
        {
            return await attempt(at, start).ConfigureAwait(false);
        }
        catch (Exception problem) when (TlsLink.IsBroken(problem))
        {
            return DialOutcome.Failed(problem.Message);
        }
    }

    private static void Keep(in DialOutcome outcome, ref DialOutcome spare, List<string> causes)
    {
        if (outcome.Secured is null)
        {
            causes.Add(outcome.Cause);
        }
        else if (spare.Secured is null)
        {
            spare = outcome;
        }
        else
        {
            outcome.Secured.Dispose();
        }
    }

    private static async Task CloseAsync(Task<DialOutcome> loser) =>
        (await loser.ConfigureAwait(false)).Secured?.Dispose();
}
