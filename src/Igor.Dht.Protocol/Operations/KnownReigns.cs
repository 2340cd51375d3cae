using Igor.Dht.Protocol.Registers;
using Igor.Dht.Protocol.Views;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Operations;

/// <summary>
/// What a client knows of the coordinators of registers, under whom its operations begin, and the names of
/// these operations.
/// </summary>
internal sealed class KnownReigns
{
    private readonly Ballot[] _ballots = new Ballot[RegisterCells.Count];
    private ulong _client;
    private ulong _lastNumber;

    /// <summary>A name that no operation ever had.</summary>
    public OperationId NextId(SeededRandom random)
    {
        _client = _client == 0 ? random.NextUInt64() | 1 : _client;
        return new OperationId(_client, ++_lastNumber);
    }

    /// <summary>The ballot of the last coordinator of a cell that is known; none when none is.</summary>
    public Ballot Find(int cell) => _ballots[cell];

    /// <summary>A coordinator answered.</summary>
    public void Note(int cell, Ballot ballot) => _ballots[cell] = Ballot.Max(_ballots[cell], ballot);
}
