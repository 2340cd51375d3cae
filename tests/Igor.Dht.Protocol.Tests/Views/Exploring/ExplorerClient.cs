using System.Buffers.Binary;
using Igor.Dht.Protocol.Views;
using Igor.Kbr;
using Igor.Simulation.Checks;
using Igor.Simulation.Engine;

namespace Igor.Dht.Protocol.Tests.Views.Exploring;

/// <summary>
/// Calls one operation after the other on a few registers, each again and again until it is told the end or
/// gives it up, and writes down what it saw.
/// </summary>
internal sealed class ExplorerClient
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromMilliseconds(80);
    private readonly ViewExplorer _explorer;
    private readonly SimRandom _random;
    private readonly int _index;
    private readonly TimeSpan _clockOffset;
    private readonly Dictionary<Key, (RegisterVersion? Version, long? Value)> _seen = [];
    private readonly Dictionary<Key, Ballot> _reigns = [];
    private ulong _number;
    private RegisterOperation? _open;
    private RegisterCall? _call;
    private TimeSpan _givenUpAt;

    public ExplorerClient(ViewExplorer explorer, int index)
    {
        _explorer = explorer;
        _random = explorer.Engine.RandomFor("client " + index);
        _index = index;
        _clockOffset = _random.Between(TimeSpan.FromSeconds(-3), TimeSpan.FromSeconds(3));
        Next();
    }

    public ulong Id => (ulong)_index + 1;

    /// <summary>Whether it calls no more.</summary>
    public bool IsDone { get; set; }

    public void Handle(ClientReply reply)
    {
        if (_open is null || reply.Id != _open.Id || reply.Begun != _open.Reign)
        {
            return;
        }

        Ballot reign = Ballot.Max(_reigns.GetValueOrDefault(_open.Key), reply.Answer.Reign);
        _reigns[_open.Key] = reign;
        if (reply.Answer.Outcome == RegisterOutcome.NotServed)
        {
            if (_open.Condition is not null && reply.Answer.Reign > _open.Reign)
            {
                _open = _open with { Reign = reply.Answer.Reign };
            }

            return;
        }

        RegisterAnswer answer = reply.Answer;
        long? found = answer.Found is { } register
            ? BinaryPrimitives.ReadInt64BigEndian(register.Value.Span)
            : null;
        if (answer.Outcome == RegisterOutcome.Read)
        {
            _seen[_open.Key] = (answer.Found?.Version, found);
        }

        End(_call! with
        {
            EndedAt = answer.Outcome == RegisterOutcome.Unknown ? null : _explorer.Engine.Now,
            Found = found,
            IsSwapped = answer.Outcome == RegisterOutcome.Applied,
        });
    }

    private void Next() => _explorer.Engine.After(
        TimeSpan.FromMilliseconds(_random.Exponential(_explorer.ThinkMs)), Call);

    private void Call()
    {
        if (IsDone)
        {
            return;
        }

        Key key = _explorer.Keys[_random.NextInt(_explorer.Keys.Count)];
        bool isRead = _random.NextDouble() < _explorer.ReadShare;
        double kind = _random.NextDouble();
        (RegisterVersion? expected, long? value) = _seen.GetValueOrDefault(key);
        long written = (long)((Id << 32) + ++_number);
        var bytes = new byte[8];
        BinaryPrimitives.WriteInt64BigEndian(bytes, written);
        bool deletes = kind < 0.08;
        _open = new RegisterOperation
        {
            Id = new OperationId(Id, _number),
            StartedAtUnixMs = (long)(_explorer.Engine.Now + _clockOffset).TotalMilliseconds,
            Key = key,
            Reign = _reigns.GetValueOrDefault(key),
            IsRead = isRead,
            Value = bytes,
            IsDelete = deletes,
            Condition = kind >= 0.25 ? new RegisterCondition(expected?.Stamp) : null,
        };
        _call = new RegisterCall
        {
            Kind = _open.IsRead ? RegisterCallKind.Read
                : _open.Condition is null ? RegisterCallKind.Write : RegisterCallKind.CompareAndSwap,
            CalledAt = _explorer.Engine.Now,
            Written = deletes ? null : written,
            Expected = value,
        };
        _givenUpAt = _explorer.Engine.Now + TimeSpan.FromMilliseconds(_random.Between(150, 1500));
        Try(_open.Id);
    }

    private void Try(OperationId id)
    {
        if (_open is null || _open.Id != id)
        {
            return;
        }

        if (_explorer.Engine.Now >= _givenUpAt)
        {
            End(_call!);
            return;
        }

        _explorer.CarryFromClient(_open, _random);
        _explorer.Engine.After(RetryAfter, () => Try(id));
    }

    private void End(RegisterCall call)
    {
        _explorer.HandleEnd(_open!, call);
        _open = null;
        Next();
    }
}
