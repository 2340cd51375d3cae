using System.Globalization;
using Igor.Dht.Protocol.Machines;

namespace Igor.Simulation.Histories;

/// <summary>A call and its end, for people.</summary>
internal static class CallText
{
    public static string Of(PlannedCall call, PlannedKey key, TimeSpan calledAt, OperationResult? result)
    {
        string written = call.Verb is CallVerb.Get or CallVerb.GetByMajority or CallVerb.Delete
            ? string.Empty
            : string.Create(CultureInfo.InvariantCulture, $" {call.Number}");
        return string.Create(
            CultureInfo.InvariantCulture,
            $"client {call.Client} at node {call.Via}: {call.Verb} {key}{written}, "
            + $"called at {calledAt.TotalSeconds:F3} s: {End(result)}");
    }

    private static string End(OperationResult? result) => result switch
    {
        null => "nobody heard",
        { Failure: { } failure } => $"{failure.Error}: {failure.Message}",
        { Receipt: { } receipt } =>
            $"acknowledged{(receipt.IsDegraded ? " (marked)" : null)} as {receipt.Version} by "
            + string.Join(' ', receipt.Holders.Select(holder => holder.ToShortString())),
        { Got: { } got } => $"{got.Outcome} {Number(got.Value)}{(got.IsDegraded ? " (marked)" : null)} "
            + $"{got.Version}, {got.ReplicasAnswered} of {got.ReplicasAsked} answered {got.Trouble}",
        { Register: { } register } => $"{register.Outcome} {Number(register.Value)} {register.Version}, "
            + $"{register.Voters} voters",
        _ => "?",
    };

    private static string Number(ReadOnlyMemory<byte> value) =>
        CallValue.Read(value)?.ToString(CultureInfo.InvariantCulture) ?? "nothing";
}
