using Igor.Client;
using Igor.Kbr;
using Igor.Testing;

namespace Igor.Daemon.Tests;

/// <summary>A client in another language, written from docs/protocol.md, on two real daemons.</summary>
public sealed class PythonClientTests : IAsyncLifetime
{
    private static readonly RequestOptions Patient = new(TimeSpan.FromSeconds(20));

    private readonly TemporaryFolder _folder = new();
    private TestProcess _first = null!;
    private TestProcess _second = null!;
    private string _firstSocket = "";
    private string _secondSocket = "";

    public async Task InitializeAsync()
    {
        _first = Igord.Start(_folder.Arguments("a"));
        (string address, _, _firstSocket) = await _first.ReadyAsync();
        _second = Igord.Start(_folder.Arguments("b", "--bootstrap", address));
        (_, _, _secondSocket) = await _second.ReadyAsync();
    }

    public Task DisposeAsync()
    {
        _first.Dispose();
        _second.Dispose();
        _folder.Dispose();
        return Task.CompletedTask;
    }

    [PythonFact]
    public async Task Python_asks_a_member_on_another_node()
    {
        await using IgorClient client = await ConnectAsync(_secondSocket);
        ContractApplication member = await AttachAsync(client, "echo", ServiceRole.Member);
        string[] lines = await RunAsync(_firstSocket, "ask", "echo", Key.HashOf("x").ToString(), "grüße");
        Assert.Equal([$"ok {client.NodeId} grüße"], lines);
        Assert.Equal("grüße"u8.ToArray(), Assert.Single(member.Deliveries).Payload);
    }

    [PythonFact]
    public async Task Python_serves_as_a_member()
    {
        using TestProcess python = Start(_secondSocket, "serve", "reverse");
        string nodeId = (await python.LineAsync("serving")).Split(' ')[3];
        await using IgorClient client = await ConnectAsync(_firstSocket);
        ContractApplication asker = await AttachAsync(client, "reverse", ServiceRole.Client);
        KbrReply reply = await asker.Service.RequestAsync(Key.HashOf("x"), new byte[] { 1, 2, 3 }, Patient);
        Assert.Equal((KbrStatus.Ok, nodeId), (reply.Status, reply.Responder.ToString()));
        Assert.Equal([3, 2, 1], reply.Payload.ToArray());

        await using IgorClient other = await ConnectAsync(_firstSocket);
        await AttachAsync(other, "reverse", ServiceRole.Member);
        await python.LineAsync("update joined 1");
    }

    [PythonFact]
    public async Task Python_changes_what_passes_through()
    {
        using TestProcess python = Start(_firstSocket, "watch", "loud");
        await python.LineAsync("watching");
        await using IgorClient client = await ConnectAsync(_firstSocket);
        ContractApplication asker = await AttachAsync(client, "loud", ServiceRole.Client);
        await using IgorClient other = await ConnectAsync(_secondSocket);
        ContractApplication member = await AttachAsync(other, "loud", ServiceRole.Member);
        await Eventually.HoldsAsync(() => asker.Service.Neighbours.Count == 1, "both are members");
        KbrReply reply = await asker.Service.RequestAsync(
            other.NodeId, "softly"u8.ToArray(), Patient with { Exact = true });
        Assert.Equal("SOFTLY"u8.ToArray(), reply.Payload.ToArray());
        Assert.Single(member.Deliveries);
    }

    [PythonFact]
    public async Task Python_reads_the_status()
    {
        await using IgorClient other = await ConnectAsync(_secondSocket);
        string[] lines = await RunAsync(_firstSocket, "status");
        Assert.Contains("network test", lines[0], StringComparison.Ordinal);
        Assert.EndsWith("joined True", lines[0], StringComparison.Ordinal);
        Assert.Contains(lines, line => line.StartsWith($"peer {other.NodeId}", StringComparison.Ordinal));
    }

    [PythonFact]
    public async Task Later_versions_are_refused_or_ignored_as_specified() =>
        Assert.Equal(["both understood"], await RunAsync(_firstSocket, "future"));

    private static TestProcess Start(params string[] arguments) => TestProcess.Start(
        TestProcess.StartOf(
            PythonFactAttribute.Python!,
            [Path.Combine(AppContext.BaseDirectory, "python", "igor_client.py"), .. arguments]));

    private static async Task<string[]> RunAsync(params string[] arguments)
    {
        using TestProcess python = Start(arguments);
        int code = await python.ExitAsync();
        Assert.True(code == 0, string.Join('\n', python.Errors));
        return [.. python.Output];
    }

    private static ValueTask<IgorClient> ConnectAsync(string socket) =>
        IgorClient.ConnectAsync(new IgorClientOptions { SocketPath = socket });

    private static async Task<ContractApplication> AttachAsync(
        IgorClient client, string service, ServiceRole role)
    {
        var application = new ContractApplication();
        application.Service = await client.SubscribeAsync(
            new SubscribeOptions { Service = service, Role = role }, application);
        return application;
    }
}
