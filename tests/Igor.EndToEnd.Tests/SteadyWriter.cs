using Igor.Dht;

namespace Igor.EndToEnd;

/// <summary>
/// Goes on writing while nodes die and return: new records, and a few that it overwrites again and again.
/// Failures are expected; what was acknowledged is in the ledger.
/// </summary>
internal sealed class SteadyWriter : IAsyncDisposable
{
    private const int OverwrittenNames = 16;
    private static readonly TimeSpan s_pace = TimeSpan.FromMilliseconds(25);
    private static readonly PutOptions s_patience = new() { Timeout = TimeSpan.FromSeconds(3) };

    private readonly Ledger _ledger;
    private readonly IReadOnlyList<IgorDht> _clients;
    private readonly CancellationTokenSource _ending = new();
    private readonly Task _writing;
    private int _acknowledged;
    private int _failed;

    public SteadyWriter(Ledger ledger, IReadOnlyList<IgorDht> clients)
    {
        _ledger = ledger;
        _clients = clients;
        _writing = Task.WhenAll(clients.Select((client, number) => WriteAsync(client, number)));
    }

    /// <summary>Number of writes that were acknowledged.</summary>
    public int Acknowledged => _acknowledged;

    /// <summary>Number of writes that failed, which is allowed while nodes are dead.</summary>
    public int Failed => _failed;

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await _writing;
        _ending.Dispose();
    }

    private async Task WriteAsync(IgorDht client, int writer)
    {
        using var pace = new PeriodicTimer(s_pace * _clients.Count);
        for (int i = 0; !_ending.IsCancellationRequested; i++)
        {
            string name = i % 3 == 0 ? $"latest/{writer}/{i % OverwrittenNames}" : $"diary/{writer}/{i}";
            bool isWritten = await _ledger.PutAsync(client, name, $"{i}: {RealText.Line(i)}", s_patience);
            Interlocked.Increment(ref isWritten ? ref _acknowledged : ref _failed);
            try
            {
                await pace.WaitForNextTickAsync(_ending.Token);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }
}
