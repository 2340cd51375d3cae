using System.Collections.Concurrent;
using System.Text;
using Igor.Dht;
using Igor.Dht.Protocol;

namespace Igor.EndToEnd;

/// <summary>
/// What was written and acknowledged, kept outside of the nodes, to judge what they answer: a read must
/// return the last acknowledged value of a name or one that was written after it.
/// </summary>
internal sealed class Ledger
{
    private const int Concurrency = 16;
    private readonly ConcurrentDictionary<string, History> _histories = new();

    /// <summary>Number of names with an acknowledged value.</summary>
    public int Acknowledged => _histories.Values.Count(history => history.LastAcknowledged >= 0);

    /// <summary>Puts a value and notes how it went. A name has one writer at a time.</summary>
    public async Task<bool> PutAsync(IgorDht dht, string name, string value, PutOptions? options = null)
    {
        int attempt = Attempt(name, value);
        try
        {
            await dht.PutAsync(name, Encoding.UTF8.GetBytes(value), options);
        }
        catch (DhtException)
        {
            return false;
        }

        Acknowledge(name, attempt);
        return true;
    }

    /// <summary>Notes that a value is going to be written; it may show in reads from now on.</summary>
    public int Attempt(string name, string value) => _histories.GetOrAdd(name, _ => new History()).Add(value);

    /// <summary>
    /// Notes that the write was acknowledged: the values before must not show in reads any more.
    /// </summary>
    public void Acknowledge(string name, int attempt) => _histories[name].LastAcknowledged = attempt;

    /// <summary>
    /// Reads every acknowledged record, spread over clients; returns what is missing or wrong.
    /// </summary>
    public async Task<IReadOnlyList<string>> CheckAsync(
        IReadOnlyList<IgorDht> clients, GetOptions? options = null)
    {
        var wrong = new ConcurrentBag<string>();
        int turn = Random.Shared.Next(clients.Count);
        await Parallel.ForEachAsync(
            _histories.Where(entry => entry.Value.LastAcknowledged >= 0),
            new ParallelOptions { MaxDegreeOfParallelism = Concurrency },
            async (entry, _) =>
            {
                IgorDht dht = clients[(Interlocked.Increment(ref turn) & int.MaxValue) % clients.Count];
                int acknowledged = entry.Value.LastAcknowledged;
                string? trouble = await TroubleAsync(
                    dht, entry.Key, options, value => entry.Value.Allows(value, acknowledged));
                if (trouble is not null)
                {
                    wrong.Add($"{entry.Key}: {trouble}");
                }
            });
        return [.. wrong.Order()];
    }

    private static async Task<string?> TroubleAsync(
        IgorDht dht, string name, GetOptions? options, Func<string, bool> isAllowed)
    {
        try
        {
            GetResult result = await dht.GetAsync(name, options);
            string value = Encoding.UTF8.GetString(result.Value.Span);
            return result.Outcome == GetOutcome.Found
                ? isAllowed(value) ? null : $"wrong value '{value}' (degraded: {result.IsDegraded})"
                : $"{result.Outcome}, {result.ReplicasAnswered} of {result.ReplicasAsked} answered";
        }
        catch (DhtException e)
        {
            return $"{e.Error}: {e.Message}";
        }
    }

    private sealed class History
    {
        private readonly List<string> _values = [];
        private volatile int _lastAcknowledged = -1;

        public int LastAcknowledged
        {
            get => _lastAcknowledged;
            set => _lastAcknowledged = value;
        }

        public int Add(string value)
        {
            lock (_values)
            {
                _values.Add(value);
                return _values.Count - 1;
            }
        }

        public bool Allows(string value, int from)
        {
            lock (_values)
            {
                return _values.LastIndexOf(value) >= from;
            }
        }
    }
}
