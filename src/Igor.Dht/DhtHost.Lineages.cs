using Igor.Dht.Protocol;
using Igor.Dht.Protocol.Registers;
using Igor.Kbr;

namespace Igor.Dht;

/// <content>Lineages of registers, cell by cell.</content>
internal sealed partial class DhtHost
{
    private const int CellsAtATime = 16;
    private static readonly TimeSpan CellPause = TimeSpan.FromMilliseconds(200);

    /// <summary>
    /// The lineages of each cell, with what their coordinators say of them; null for a cell of which nobody
    /// says anything in time.
    /// </summary>
    public async Task<IReadOnlyList<CellLineage>?[]> LineagesAsync(
        TimeSpan timeout, CancellationToken cancellationToken)
    {
        TimeSpan end = BootClock.Now + timeout;
        var cells = new IReadOnlyList<CellLineage>?[LineagesMessage.Cells];
        var parallel = new ParallelOptions
        {
            MaxDegreeOfParallelism = CellsAtATime,
            CancellationToken = cancellationToken,
        };
        await Parallel.ForAsync(0, cells.Length, parallel, async (cell, token) =>
        {
            ReadOnlyMemory<byte> question = LineagesMessage.Ask(cell);
            while (BootClock.Now < end)
            {
                cells[cell] = await LineagesAsync(LineagesMessage.MiddleOf(cell), question, exact: false, end)
                    .WaitAsync(token).ConfigureAwait(false);
                if (cells[cell] is not null)
                {
                    break;
                }

                await Task.Delay(CellPause, token).ConfigureAwait(false);
            }

            CellLineage[] known = [.. cells[cell] ?? []];
            for (int at = 0; at < known.Length; at++)
            {
                if (known[at].Registers < 0 && known[at].IsServed)
                {
                    IReadOnlyList<CellLineage>? told = await LineagesAsync(
                        known[at].Coordinator, question, exact: true, end).WaitAsync(token)
                        .ConfigureAwait(false);
                    known[at] = told?.FirstOrDefault(other => other.Id == known[at].Id) ?? known[at];
                }
            }

            cells[cell] = cells[cell] is null ? null : known;
        }).ConfigureAwait(false);
        return cells;
    }

    /// <summary>Tells who coordinates a cell in one lineage to take the place of another.</summary>
    public Task GiveUpAsync(int cell, CellLineage kept, string givenUp, TimeSpan timeout) => LineagesAsync(
        kept.Coordinator,
        LineagesMessage.GiveUp(cell, kept.Id, givenUp),
        exact: true,
        BootClock.Now + timeout);

    private async Task<IReadOnlyList<CellLineage>?> LineagesAsync(
        Key destination, ReadOnlyMemory<byte> request, bool exact, TimeSpan end)
    {
        TimeSpan left = end - BootClock.Now;
        if (left <= TimeSpan.Zero)
        {
            return null;
        }

        var completion = new TaskCompletionSource<IReadOnlyList<CellLineage>?>(
            TaskCreationOptions.RunContinuationsAsynchronously);
        _service!.Request(
            destination,
            request,
            new RequestOptions(left < NewsPatience ? left : NewsPatience, exact),
            reply => completion.SetResult(
                reply.Status == KbrStatus.Ok ? LineagesMessage.TryDecode(reply.Payload) : null));
        return await completion.Task.ConfigureAwait(false);
    }
}
