namespace Igor.EndToEnd.Processes;

/// <summary>The command line of a node.</summary>
internal sealed record NodeSettings
{
    public required string Data { get; init; }

    public string? Socket { get; init; }

    public string? Listen { get; init; } = FreePort.Address();

    public IReadOnlyList<string> Bootstrap { get; init; } = [];

    public required string Network { get; init; }

    /// <summary>When others vote about registers, as serve takes it; null for its default.</summary>
    public string? VoteAfter { get; init; }

    /// <summary>Where the node's local socket is.</summary>
    public string SocketPath => Socket ?? Path.Combine(Data, "igor.sock");

    /// <summary>The options that igor-dht and igord share.</summary>
    public IEnumerable<string> Arguments()
    {
        List<string> arguments = ["--data", Data, "--socket", SocketPath, "--network", Network];
        if (Listen is not null)
        {
            arguments.AddRange(["--listen", Listen]);
        }

        if (VoteAfter is not null)
        {
            arguments.AddRange(["--vote-after", VoteAfter]);
        }

        foreach (string address in Bootstrap)
        {
            arguments.AddRange(["--bootstrap", address]);
        }

        return arguments;
    }
}
