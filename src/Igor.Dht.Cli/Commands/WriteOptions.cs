using System.CommandLine;
using System.Globalization;
using Igor.Dht.Cli.CommandLine;
using Igor.Dht.Cli.Failures;
using Igor.Dht.Protocol;
using Igor.Dht.Protocol.Records;

namespace Igor.Dht.Cli.Commands;

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
        "--acks",
        "How many of them must have it on disk before this returns; all means as many as --replicas, one as "
            + "many as --min-copies",
        "quorum",
        "one",
        "all");

    private readonly Option<int?> _copiesMin = new("--min-copies")
    {
        HelpName = "N",
        Description = "Fail unless at least so many nodes have it on disk, whatever --acks says "
            + "[default: a majority of the nodes that are to hold it]",
        CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number)
                && number is >= 1 and <= RecordCodec.ReplicasMax)
            {
                return number;
            }

            result.AddError(
                $"--min-copies is a whole number from 1 to {RecordCodec.ReplicasMax}, not '{text}'");
            return null;
        },
    };

    /// <summary>The options, which mean something for records only.</summary>
    public IReadOnlyList<Option> All => [_replicas, _acks, _copiesMin];

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        command.Add(_replicas);
        command.Add(_acks);
        command.Add(_copiesMin);
    }

    /// <summary>What the command line says.</summary>
    public PutOptions Read(ParseResult arguments)
    {
        int replicas = arguments.GetValue(_replicas);
        int? copiesMin = arguments.GetValue(_copiesMin);
        if (copiesMin > replicas)
        {
            throw CommandFailure.Usage(
                $"--min-copies is {copiesMin}, more than the {replicas} of --replicas");
        }

        return PutOptions.Default with
        {
            Replicas = replicas,
            CopiesMin = copiesMin,
            Acks = arguments.GetValue(_acks) switch
            {
                "one" => AckLevel.One,
                "all" => AckLevel.All,
                _ => AckLevel.Quorum,
            },
        };
    }
}
