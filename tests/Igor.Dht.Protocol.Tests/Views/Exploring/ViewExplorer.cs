using Igor.Dht.Protocol.Ring;
using Igor.Dht.Protocol.Views;
using Igor.Kbr;
using Igor.Simulation.Checks;
using Igor.Simulation.Engine;

namespace Igor.Dht.Protocol.Tests.Views.Exploring;

/// <summary>
/// Voters and coordinators of a few keys under a schedule drawn from a seed: messages are lost, doubled and
/// late, ways cut, nodes crash at any point of their writing, sleep, lose their disks; coordinators and
/// voters change. What clients saw is judged from outside.
/// </summary>
internal sealed class ViewExplorer
{
    private const int NodesCount = 5;
    private const int ClientsCount = 4;
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(400);
    private static readonly KeySpan Whole = new(Key.Zero, Key.Max);
    private readonly SimRandom _random;
    private readonly ExplorerNode[] _nodes;
    private readonly ExplorerClient[] _clients;
    private readonly ExplorerNetwork _network;
    private readonly HashSet<Voter> _lost = [];
    private readonly List<string> _trace = [];
    private readonly double _intervalMs;
    private readonly List<(RegisterOperation Operation, RegisterCall Call)> _givenUp = [];
    private TimeSpan _lastTakeover;
    private bool _isQuiet;

    public ViewExplorer(ulong seed, Mutant mutant = Mutant.None)
    {
        Engine = new SimulationEngine(seed);
        Mutant = mutant;
        _random = Engine.RandomFor("schedule");
        _network = new ExplorerNetwork(Engine);
        _intervalMs = 60 * Math.Pow(10, _random.NextDouble());
        ReadShare = _random.NextInt(2) == 0 ? 0.4 : 0.8;
        ThinkMs = 8 * Math.Pow(40, _random.NextDouble());
        Keys =
        [
            .. Enumerable.Range(1, 1 + _random.NextInt(6)).Select(at => new Key((ulong)at << 61, 0, 0, 7)),
        ];
        _nodes = [.. Enumerable.Range(0, NodesCount).Select(at => new ExplorerNode(this, at))];
        _clients = [.. Enumerable.Range(0, ClientsCount).Select(at => new ExplorerClient(this, at))];
        _nodes[0].Found(new Lineage(1, 1));
    }

    public SimulationEngine Engine { get; }

    public Mutant Mutant { get; }

    /// <summary>
    /// Mean time between two calls of a client: where they are rare, coordinators leave keys as they are.
    /// </summary>
    public double ThinkMs { get; }

    /// <summary>Which part of the calls only reads.</summary>
    public double ReadShare { get; }

    public IReadOnlyList<Key> Keys { get; }

    public RegisterHistory History { get; } = new();

    /// <summary>Operations that came to a coordinator.</summary>
    public HashSet<OperationId> Submitted { get; } = [];

    /// <summary>How often a coordinator began to serve, or served another view.</summary>
    public int Reigns { get; private set; }

    /// <summary>What happened, the last of it.</summary>
    public string Trace => string.Join("\n", _trace.TakeLast(400));

    /// <summary>Runs the schedule, then a while without faults.</summary>
    /// <returns>What clients saw that cannot be; null for nothing.</returns>
    public string? Run(TimeSpan faulty, TimeSpan quiet)
    {
        _nodes[0].TakeOver(Whole);
        Voter[] first = [.. _nodes[..3].Select(node => node.Voter)];
        Engine.After(TimeSpan.FromMilliseconds(100), () => _nodes[0].Change(first));
        Engine.After(TimeSpan.FromMilliseconds(500), _random.NextInt(3) == 0 ? Rival : Disturb);
        Engine.RunUntil(faulty);
        _isQuiet = true;
        _network.IsFaulty = false;
        _network.Heal();
        foreach (ExplorerNode node in _nodes.Where(node => !node.IsUp))
        {
            node.Restart();
        }

        Recover();
        Engine.RunFor(quiet / 2);
        int ended = History.Ended;
        Engine.RunFor(quiet / 2);
        EndedWhenQuiet = History.Ended - ended;
        Array.ForEach(_clients, client => client.IsDone = true);
        Engine.RunFor(TimeSpan.FromSeconds(2));
        foreach ((RegisterOperation operation, RegisterCall call) in _givenUp)
        {
            if (Submitted.Contains(operation.Id))
            {
                History.Add(operation.Key, call);
            }
        }

        var log = new ViolationLog(Engine);
        History.Check(log);
        return log.Count == 0 ? null : string.Join("\n", log.All.Select(violation => violation.Text));
    }

    /// <summary>Calls that ended while there were no faults.</summary>
    public int EndedWhenQuiet { get; private set; }

    public void Note(string text)
    {
        Reigns += text.Contains("Serving", StringComparison.Ordinal) ? 1 : 0;
        _trace.Add($"{Engine.Now.TotalMilliseconds,10:f3} {text}");
    }

    /// <summary>A view is proposed: just then its newcomers are often out of reach.</summary>
    public void HandleChanged(ExplorerNode node, ReignHost host)
    {
        if (host.Reign.Next is { } next && !_isQuiet && _random.NextInt(3) > 0)
        {
            int[] newcomers = [.. Enumerable.Range(0, NodesCount).Where(
                at => next.View.Contains(_nodes[at].Voter) && !host.Reign.View.Contains(_nodes[at].Voter))];
            Cut([.. newcomers.Select(at => (node.Index, at))], Some(20, 500));
            Engine.After(Some(5, 60), () => Isolate(node));
            if (newcomers.Length > 0)
            {
                ExplorerNode newcomer = _nodes[newcomers[_random.NextInt(newcomers.Length)]];
                Engine.After(Some(100, 600), () => newcomer.TakeOver(Whole));
            }
        }
    }

    /// <summary>A call ended, or was given up: then it counts if it ever came to a coordinator.</summary>
    public void HandleEnd(RegisterOperation operation, RegisterCall call)
    {
        _trace.Add($"{Engine.Now.TotalMilliseconds,10:f3} {operation.Key.ToShortString()}: {call}");
        if (call.EndedAt is null)
        {
            _givenUp.Add((operation, call));
        }
        else
        {
            History.Add(operation.Key, call);
        }
    }

    public void Carry(ExplorerNode from, Voter to, object message)
    {
        int at = Array.FindIndex(_nodes, node => node.Id == to.Node);
        if (at < 0)
        {
            return;
        }

        ExplorerNode node = _nodes[at];
        int life = node.Life;
        _network.Carry(from.Index, at, () => node.Receive(() =>
        {
            if (node.Voter == to && (node != from || life == node.Life))
            {
                node.Handle(message);
            }
        }));
    }

    public void CarryToClient(ExplorerNode from, ClientReply reply) => _network.Carry(
        from.Index, NodesCount + (int)reply.Id.Client, () => _clients[reply.Id.Client - 1].Handle(reply));

    public void CarryFromClient(RegisterOperation operation, SimRandom random)
    {
        ExplorerNode[] serving = [.. _nodes.Where(node => node.Serving.Any())];
        ExplorerNode node = serving.Length > 0 && random.NextDouble() < 0.9
            ? serving[random.NextInt(serving.Length)]
            : _nodes[random.NextInt(NodesCount)];
        _network.Carry(
            NodesCount + (int)operation.Id.Client,
            node.Index,
            () => node.Receive(() => node.Handle(new ClientRequest(operation))));
    }

    // Who would be asked next, without faults: a voter of a key that nobody serves.
    private void Recover()
    {
        foreach (Key key in Keys.Where(key => !_nodes.Any(node => node.Serves(key))))
        {
            ExplorerNode[] voters = [.. _nodes.Where(node => node.VotesFor(key))];
            if (voters.Length > 0)
            {
                voters[_random.NextInt(voters.Length)].TakeOver(new KeySpan(key, key));
            }
        }

        Engine.After(TimeSpan.FromMilliseconds(400), Recover);
    }

    // Coordinators that one after the other are cut off, with what clients want of them, and come again.
    private void Rival()
    {
        if (_isQuiet)
        {
            return;
        }

        _network.Heal();
        ExplorerNode? coordinator = _nodes.Where(node => node.Serving.Any())
            .MaxBy(node => node.Serving.Max(host => host.Reign.Ballot));
        if (coordinator is not null)
        {
            coordinator.Note("is cut off");
            Cut(ExplorerNetwork.Ways(coordinator.Index, NodesCount), TimeSpan.FromSeconds(60));
        }

        ExplorerNode[] others = [.. _nodes.Where(node => node.IsVoter && node != coordinator)];
        if (others.Length > 0)
        {
            ExplorerNode other = others[_random.NextInt(others.Length)];
            Engine.After(Some(100, 350), () => other.TakeOver(Whole));
        }

        Engine.After(Some(300, 1000), Rival);
    }

    private void Disturb()
    {
        if (_isQuiet)
        {
            return;
        }

        ExplorerNode node = _nodes[_random.NextInt(NodesCount)];
        ExplorerNode coordinator = _nodes.FirstOrDefault(each => each.Serving.Any()) ?? node;
        node = _random.NextInt(2) == 0 ? coordinator : node;
        Action action = _random.NextInt(100) switch
        {
            < 20 => () => TakeOver(node),
            < 32 => ChangeVoters,
            < 34 => () => Array.ForEach(_nodes, each => each.Drop()),
            < 36 => () => Array.ForEach(_nodes, each => each.CancelChange()),
            < 38 => node.Resign,
            < 50 => () => Isolate(coordinator),
            < 64 => () => Cut(node),
            < 76 => () => Sleep(node),
            < 88 => () => Crash(node),
            < 91 => () => node.Damage(Keys[_random.NextInt(Keys.Count)]),
            < 94 => () => CrashOthers(coordinator),
            _ => () => CrashDuring(node),
        };
        action();
        Engine.After(TimeSpan.FromMilliseconds(_random.Exponential(_intervalMs)), Disturb);
    }

    // Mostly when nobody serves; sometimes although somebody does.
    private void TakeOver(ExplorerNode node)
    {
        bool isServed = _nodes.Any(other => other.Serving.Any());
        if (_random.NextDouble() < 0.9 && (isServed || Engine.Now < _lastTakeover + Patience))
        {
            return;
        }

        ExplorerNode[] voters = [.. _nodes.Where(each => each.IsVoter)];
        if (!node.IsVoter && voters.Length > 0 && _random.NextDouble() < 0.9)
        {
            node = voters[_random.NextInt(voters.Length)];
        }

        _lastTakeover = Engine.Now;

        Key middle = Key.PowerOfTwo(255);
        KeySpan span = _random.NextInt(6) switch
        {
            0 => new KeySpan(Key.Zero, middle),
            1 => new KeySpan(middle + KeySpan.One, Key.Max),
            _ => Whole,
        };
        node.TakeOver(span);
    }

    private void ChangeVoters()
    {
        int count = _random.NextInt(4) switch { 0 => 1, 3 => 5, _ => 3 };
        Voter[] voters = [.. _random.Sample(_nodes.Where(n => n.IsUp), count).Select(node => node.Voter)];
        foreach (ExplorerNode node in _nodes.Where(node => node.Serving.Any()).ToList())
        {
            if (voters.Length > 0 && node.Change(voters))
            {
                node.Note($"would have {string.Join(", ", voters)}");
            }
        }
    }

    private void Cut(ExplorerNode node)
    {
        int other = _random.NextInt(NodesCount + ClientsCount + 1);
        Cut(
            _random.NextInt(3) switch
            {
                0 => [(node.Index, other)],
                1 => [(other, node.Index)],
                _ => [(node.Index, other), (other, node.Index)],
            },
            Some(50, 2000));
    }

    // Clients still come to the coordinator, whose voters do not hear of it; another takes over, and is next.
    private void Isolate(ExplorerNode coordinator)
    {
        coordinator.Note("is isolated");
        Cut(ExplorerNetwork.Ways(coordinator.Index, NodesCount), Some(200, 2000));
        if (_random.NextInt(2) == 0)
        {
            ExplorerNode[] others = [.. _nodes.Where(node => node.IsVoter && node != coordinator)];
            Engine.After(Some(20, 500), () =>
            {
                if (others.Length > 0)
                {
                    others[_random.NextInt(others.Length)].TakeOver(Whole);
                }
            });
        }
    }

    private void Cut((int From, int To)[] ways, TimeSpan length)
    {
        Array.ForEach(ways, way => _network.SetCut(way.From, way.To, true));
        Engine.After(length, () => Array.ForEach(ways, way => _network.SetCut(way.From, way.To, false)));
    }

    // While its lease runs, all who granted it start anew; one of them would be coordinator at once.
    private void CrashOthers(ExplorerNode coordinator)
    {
        Cut(ExplorerNetwork.Ways(coordinator.Index, NodesCount), Some(200, 1000));
        ExplorerNode[] others = [.. _nodes.Where(node => node != coordinator && node.IsUp)];
        foreach (ExplorerNode other in others)
        {
            other.Crash();
            Engine.After(Some(1, 20), other.Restart);
        }

        ExplorerNode[] voters = [.. others.Where(other => other.MayVote)];
        if (voters.Length > 0)
        {
            ExplorerNode next = voters[_random.NextInt(voters.Length)];
            Engine.After(Some(22, 60), () => next.TakeOver(Whole));
        }
    }

    private void Sleep(ExplorerNode node)
    {
        node.Note("sleeps");
        node.Sleep(Some(10, 1500));
    }

    private void Crash(ExplorerNode node)
    {
        if (!node.IsUp)
        {
            return;
        }

        node.Crash();
        if (_random.NextInt(4) == 0 && MayLose(node))
        {
            _lost.Add(node.Voter);
            node.LoseDisk();
        }

        Engine.After(_random.NextInt(2) == 0 ? Some(1, 30) : Some(30, 1500), () =>
        {
            if (!node.IsUp)
            {
                node.Restart();
            }
        });
    }

    // A moment after something began, when it is most likely half done.
    private void CrashDuring(ExplorerNode node)
    {
        ChangeVoters();
        Engine.After(Some(1, 40), () => Crash(_nodes.FirstOrDefault(n => n.Serving.Any()) ?? node));
    }

    // What a majority lost is lost: of each view that anybody knows, the others have to be one.
    private bool MayLose(ExplorerNode node) => _nodes
        .SelectMany(any => any.Pieces)
        .SelectMany(vote => new[] { vote.Piece.View, vote.Piece.Next?.View })
        .Concat(_nodes.SelectMany(any => any.Serving)
            .SelectMany(host => new[] { host.Reign.View, host.Reign.Next?.View }))
        .All(view => view?.HasMajority(voter => voter != node.Voter && !_lost.Contains(voter)) != false);

    private TimeSpan Some(double least, double most) =>
        TimeSpan.FromMilliseconds(least * Math.Pow(most / least, _random.NextDouble()));
}
