using System.CommandLine;

namespace Igor.Dht.Cli;

/// <summary>
/// The options of commands that write: how many nodes hold the record, and how many before it counts.
/// </summary>
internal sealed class WriteOptions
{
    private readonly Option<int> _replicas = RangedOption.Whole(
        "--replicas",
        1,
        RecordCodec.ReplicasMax,
        PutOptions.Default.Replicas,
        "Number of nodes that are to hold the record, 1 to 8");

    private readonly Option<string> _acks = RangedOption.Word(
        "--acks", "How many of them must have it on disk before this returns", "quorum", "one", "all");

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        command.Add(_replicas);
        command.Add(_acks);
    }

    /// <summary>What the command line says.</summary>
    public PutOptions Read(ParseResult arguments) => PutOptions.Default with
    {
        Replicas = arguments.GetValue(_replicas),
        Acks = arguments.GetValue(_acks) switch
        {
            "one" => AckLevel.One,
            "all" => AckLevel.All,
            _ => AckLevel.Quorum,
        },
    };
}
