using System.Text;
using Igor.Dht;
using Igor.Dht.Protocol;
using Igor.EndToEnd.Processes;
using Igor.Testing;
using Xunit.Abstractions;

namespace Igor.EndToEnd;

/// <summary>
/// Eight real nodes, a thousand records, and a writer that never stops: half of the nodes die, then the other
/// half, then all. No acknowledged record may be missing or wrong at any time.
/// </summary>
public sealed class DeathOfHalfTests(ITestOutputHelper output)
{
    private const int Nodes = 8;
    private const int Records = 1000;
    private const int RecordsByCommand = 8;

    private readonly Timeline _timeline = new(output);
    private readonly Ledger _ledger = new();

    [Fact]
    public Task Ring_of_eight_keeps_every_acknowledged_record_when_half_and_then_all_die() =>
        Ring.RunAsync(Nodes, output, async ring =>
        {
            _timeline.Note($"{Nodes} nodes are in the ring");
            NodeProcess[] first = [.. ring.Nodes.Where((_, i) => i % 2 == 1)];
            NodeProcess[] second = [.. ring.Nodes.Except(first)];
            await PutTextAsync(ring);

            IgorDht[] writers = await Task.WhenAll(ring.Nodes.Select(node => ring.OpenAsync(node)));
            await using (var writer = new SteadyWriter(_ledger, writers))
            {
                await CheckAsync(ring, writer, "with all nodes alive");

                await Ring.KillAsync(first);
                _timeline.Note("4 of 8 nodes killed");
                await CheckAsync(ring, writer, "at once from the 4 survivors");

                await ring.ReviveAsync(first);
                _timeline.Note("the 4 are back on their disks");
                await ring.UntilHealedAsync();
                _timeline.Note("the ring says it is healed");
                await CheckAsync(ring, writer, "after healing");

                await Ring.KillAsync(second);
                _timeline.Note("the other 4 nodes killed");
                await CheckAsync(ring, writer, "at once from those that had been dead");

                await Ring.KillAsync(first);
                _timeline.Note("all nodes dead");
                await ring.ReviveAsync(ring.Nodes);
                _timeline.Note("all nodes started again");
                await CheckAsync(ring, writer, "after the death of all");
                await ring.UntilHealedAsync();
                _timeline.Note("the ring says it is healed");
                await UntilWritesGoThroughAsync(writer);
            }

            var quorum = new GetOptions { Consistency = GetConsistency.Quorum };
            await CheckAsync(ring, null, "asking a majority for each", quorum);
            await Task.WhenAll(writers.Select(dht => dht.DisposeAsync().AsTask()));
        });

    private async Task PutTextAsync(Ring ring)
    {
        IReadOnlyList<string> lines = RealText.Lines(0, Records);
        IgorDht[] clients = await Task.WhenAll(ring.Nodes.Take(4).Select(node => ring.OpenAsync(node)));
        await Parallel.ForAsync(0, Records - RecordsByCommand, async (i, _) =>
            Assert.True(await _ledger.PutAsync(clients[i % clients.Length], $"opticks/{i}", lines[i])));
        await Task.WhenAll(clients.Select(dht => dht.DisposeAsync().AsTask()));

        for (int i = Records - RecordsByCommand; i < Records; i++)
        {
            int attempt = _ledger.Attempt($"opticks/{i}", lines[i]);
            string socket = ring.Nodes[i % Nodes].Socket;
            ProcessResult put = await Cli.RunAsync(
                Encoding.UTF8.GetBytes(lines[i]), "put", $"opticks/{i}", "--socket", socket);
            put.ExitsWith(0);
            _ledger.Acknowledge($"opticks/{i}", attempt);
        }

        _timeline.Note($"{Records} lines put, {RecordsByCommand} of them by the command");
    }

    private async Task CheckAsync(Ring ring, SteadyWriter? writer, string when, GetOptions? options = null)
    {
        int records = _ledger.Acknowledged;
        IgorDht[] clients = await Task.WhenAll(ring.Alive.Select(node => ring.OpenAsync(node)));
        IReadOnlyList<string> wrong = await _ledger.CheckAsync(clients, options);
        await Task.WhenAll(clients.Select(dht => dht.DisposeAsync().AsTask()));
        string writes = writer is null
            ? string.Empty
            : $" (writer: {writer.Acknowledged} acknowledged, {writer.Failed} failed)";
        _timeline.Note($"{records} acknowledged records read {when}: {wrong.Count} missing or wrong{writes}");
        string first = string.Join('\n', wrong.Take(20));
        Assert.True(wrong.Count == 0, $"{when}: {wrong.Count} of {records}\n{first}");
    }

    private async Task UntilWritesGoThroughAsync(SteadyWriter writer)
    {
        int before = writer.Acknowledged;
        await Eventually.HoldsAsync(
            () => writer.Acknowledged >= before + 50,
            "the writer's puts are acknowledged again",
            patience: TimeSpan.FromSeconds(30));
        _timeline.Note($"writer: {writer.Acknowledged} acknowledged, {writer.Failed} failed");
    }
}
