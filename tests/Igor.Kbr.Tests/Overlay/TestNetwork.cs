using Igor.Kbr.Overlay.Machines;

namespace Igor.Kbr.Tests.Overlay;

/// <summary>
/// A few nodes, links with a fixed delay, virtual time: just enough to drive the machines of a node.
/// </summary>
internal sealed class TestNetwork
{
    private readonly PriorityQueue<Action, (TimeSpan At, long Order)> _events = new();
    private long _order;
    private long _nextLink;

    public TimeSpan Delay { get; } = TimeSpan.FromMilliseconds(5);

    public TimeSpan Now { get; private set; } = TimeSpan.FromSeconds(1);

    /// <summary>What right wall clocks show.</summary>
    public long UnixMs => 1_800_000_000_000 + (long)Now.TotalMilliseconds;

    public List<TestNode> Nodes { get; } = [];

    public Dictionary<string, TestNode> ByAddress { get; } = [];

    /// <summary>Pairs of addresses that cannot hear each other, in either order.</summary>
    public HashSet<(TestNode, TestNode)> Cut { get; } = [];

    /// <summary>Addresses where attempts to connect neither succeed nor fail.</summary>
    public HashSet<string> BlackHoles { get; } = [];

    /// <summary>Whether a frame from the first to the second node is lost; null for never.</summary>
    public Func<TestNode, TestNode, byte[], bool>? Loses { get; set; }

    /// <summary>Whether a link from the first to the second node has no room now; null for never.</summary>
    public Func<TestNode, TestNode, bool>? IsFull { get; set; }

    /// <summary>Sees all that happens from now on.</summary>
    public INetworkObserver? Observer { get; set; }

    /// <summary>Where the next node will listen.</summary>
    public string NextAddress => $"10.0.0.{Nodes.Count + 1}:1";

    public TestNode Add(
        Key id,
        Func<OverlayOptions, OverlayOptions>? change = null,
        TestNode? through = null,
        TimeSpan clockSkew = default)
    {
        string address = NextAddress;
        var options = new OverlayOptions
        {
            Addresses = [address],
            Bootstrap = through is null ? [] : [through.Address],
        };
        var node = new TestNode(
            this, id, address, change?.Invoke(options) ?? options, (ulong)Nodes.Count + 1)
        {
            ClockSkew = clockSkew,
        };
        Nodes.Add(node);
        ByAddress[address] = node;
        node.Do(overlay => overlay.Start(Now));
        return node;
    }

    public LinkId NextLink() => new(++_nextLink);

    public void After(TimeSpan delay, Action action) => _events.Enqueue(action, (Now + delay, _order++));

    public bool CanHear(TestNode a, TestNode b) =>
        a.IsAlive && b.IsAlive && !Cut.Contains((a, b)) && !Cut.Contains((b, a));

    /// <summary>
    /// Runs until the condition holds; fails when it does not within that much virtual time.
    /// </summary>
    public void Until(Func<bool> condition, TimeSpan? within = null)
    {
        TimeSpan end = Now + (within ?? TimeSpan.FromSeconds(60));
        while (!condition())
        {
            Assert.True(_events.TryPeek(out _, out var next) && next.At <= end, "did not happen in time");
            Step();
        }
    }

    public void Run(TimeSpan time)
    {
        TimeSpan end = Now + time;
        while (_events.TryPeek(out _, out var next) && next.At <= end)
        {
            Step();
        }

        Now = end;
    }

    private void Step()
    {
        _events.TryDequeue(out Action? action, out var at);
        Now = at.At;
        action!();
    }
}
