using Igor.Dht.Protocol;

namespace Igor.Dht;

/// <content>Lineages of registers.</content>
public sealed partial class IgorDht
{
    private static readonly TimeSpan ResolvePause = TimeSpan.FromMilliseconds(500);

    /// <summary>
    /// The lineages of registers that there are: none before the first is written, and one, unless networks
    /// grew together that both wrote registers, or sides of one gave up one another.
    /// </summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="DhtException">Nobody spoke for some of the cells in time.</exception>
    public async Task<IReadOnlyList<RegisterLineage>> ListLineagesAsync(
        CancellationToken cancellationToken = default) =>
        [
            .. (await CellsAsync(cancellationToken).ConfigureAwait(false))
                .SelectMany(static cell => cell)
                .GroupBy(static lineage => lineage.Id)
                .OrderBy(static group => group.Key, StringComparer.Ordinal)
                .Select(static group => new RegisterLineage
                {
                    Id = group.Key,
                    Cells = group.Count(),
                    CellsServed = group.Count(static lineage => lineage.IsServed),
                    Registers = group.Sum(static lineage => (long)Math.Max(0, lineage.Registers)),
                }),
        ];

    /// <summary>
    /// Gives up all lineages of registers but one, wherever that one is served: what was written in the
    /// others is void, and those who voted in them vote in this one. Ends when no cell has two any more.
    /// </summary>
    /// <param name="kept">The name of the one that is kept.</param>
    /// <param name="cancellationToken">Ends the wait; what is decided stays so.</param>
    /// <exception cref="DhtException">It did not come about in time, and may yet.</exception>
    public async Task KeepLineageAsync(string kept, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(kept);
        long start = Environment.TickCount64;
        while (true)
        {
            IReadOnlyList<CellLineage>[] cells = await CellsAsync(cancellationToken).ConfigureAwait(false);
            var open = new List<Task>();
            for (int cell = 0; cell < cells.Length; cell++)
            {
                CellLineage? keeper = cells[cell].FirstOrDefault(lineage => lineage.Id == kept);
                CellLineage? other = cells[cell].FirstOrDefault(lineage => lineage.Id != kept);
                if (keeper is not null && other is not null)
                {
                    open.Add(_host.GiveUpAsync(cell, keeper, other.Id, _options.Timeout));
                }
            }

            if (open.Count == 0)
            {
                return;
            }

            await Task.WhenAll(open).WaitAsync(cancellationToken).ConfigureAwait(false);
            if (Environment.TickCount64 - start > _options.Timeout.TotalMilliseconds)
            {
                throw new DhtException(
                    DhtError.Unknown,
                    $"After {_options.Timeout.TotalSeconds:0.#} s {open.Count} of 256 cells still have "
                    + "another lineage; repeat it.");
            }

            await Task.Delay(ResolvePause, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<IReadOnlyList<CellLineage>[]> CellsAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<CellLineage>?[] cells = await _host.LineagesAsync(_options.Timeout, cancellationToken)
            .ConfigureAwait(false);
        int missing = cells.Count(static cell => cell is null);
        return missing == 0
            ? [.. cells.Select(static cell => cell!)]
            : throw new DhtException(
                DhtError.Unreachable,
                $"Nobody spoke for {missing} of {cells.Length} cells within "
                + $"{_options.Timeout.TotalSeconds:0.#} s.");
    }
}
