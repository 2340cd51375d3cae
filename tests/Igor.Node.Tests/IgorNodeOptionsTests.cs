using Igor.Kbr.Overlay.Machines;
using Igor.Node.Reporting;

namespace Igor.Node.Tests;

public sealed class IgorNodeOptionsTests
{
    private static readonly Dictionary<string, (IgorNodeOptions Options, string Value)> Wrong = new()
    {
        ["Listen"] = (new() { Listen = "nowhere" }, "nowhere"),
        ["Network"] = (new() { Network = string.Empty }, "''"),
        ["Bootstrap"] = (new() { Bootstrap = ["host:0"] }, "host:0"),
        ["Advertise"] = (new() { Advertise = ["node.example.org:1"] }, "node.example.org:1"),
        ["Advertise has"] = (new() { Advertise = [.. Enumerable.Repeat("[::1]:1", 5)] }, "5"),
        ["ConnectTimeout"] = (new() { ConnectTimeout = TimeSpan.Zero }, "0 s"),
        ["FirstBytesTimeout"] = (new() { FirstBytesTimeout = TimeSpan.Zero }, "0 s"),
        ["PendingConnectionsMax"] = (new() { PendingConnectionsMax = 1 }, "1"),
        ["HandshakesPerSecondMax"] = (new() { HandshakesPerSecondMax = 0 }, "0"),
        ["StrangerFramesPerSecond"] = (new() { StrangerFramesPerSecond = 9 }, "9"),
        ["StrangerBytesPerSecond"] = (new() { StrangerBytesPerSecond = 1 }, "1"),
        ["HandshakesMax"] = (new() { HandshakesMax = 0 }, "0"),
        ["OutgoingBytesMax"] = (new() { OutgoingBytesMax = 65536 }, "65536"),
        ["HeldBytesMax"] = (new() { HeldBytesMax = 2_000_000 }, "2000000"),
        ["StallTimeout"] = (new() { StallTimeout = TimeSpan.Zero }, "0 s"),
        ["DataFolder"] = (new() { DataFolder = " " }, "' '"),
        ["NeighboursPerSide"] = (new() { Overlay = new OverlayOptions { NeighboursPerSide = 0 } }, "0"),
    };

    public static TheoryData<string> WrongNames => [.. Wrong.Keys];

    [Fact]
    public void Defaults_are_right() =>
        Assert.Empty(IgorNodeOptionsValidator.Validate(new IgorNodeOptions()));

    [Theory]
    [MemberData(nameof(WrongNames))]
    public async Task Wrong_option_is_named_with_its_value(string name)
    {
        var (options, value) = Wrong[name];
        string fault = Assert.Single(IgorNodeOptionsValidator.Validate(options));
        Assert.StartsWith(name, fault, StringComparison.Ordinal);
        Assert.Contains(value, fault, StringComparison.Ordinal);
        var problem = await Assert.ThrowsAsync<NodeStartException>(() => IgorNode.StartAsync(options));
        Assert.Contains(fault, problem.Message, StringComparison.Ordinal);
    }
}
