using Igor.Dht.Protocol.Messages;
using Igor.Dht.Protocol.Views;
using Igor.Kbr;
using MessagePack;

namespace Igor.Dht.Protocol.Registers;

/// <summary>A client's operation on a register.</summary>
/// <param name="Operation">What to do.</param>
/// <param name="Budget">How long whoever passes it on may wait for the answer.</param>
/// <param name="Hops">How often it may still be passed on to whom the coordinator is thought to be.</param>
internal readonly record struct CallRegister(RegisterOperation Operation, TimeSpan Budget, int Hops);

/// <summary>The answer to a call.</summary>
/// <param name="Outcome">What became of the operation.</param>
/// <param name="Stamp">The version that was written, or is there; the default for none.</param>
/// <param name="Value">What a read found; null for no value.</param>
/// <param name="Reign">The ballot of the coordinator that answers; none from who is none.</param>
/// <param name="Voters">How many voters the view has; 0 from who is no coordinator.</param>
/// <param name="IsContested">Whether there is another history of the key, in a lineage that was met.</param>
/// <param name="Text">Why it was not served, for people; else empty.</param>
internal readonly record struct RegisterAnswered(
    RegisterOutcome Outcome,
    RegisterStamp Stamp,
    ReadOnlyMemory<byte>? Value,
    Ballot Reign,
    int Voters,
    bool IsContested,
    string Text);

/// <summary>What clients and coordinators of registers say to one another.</summary>
internal static class RegisterMessages
{
    /// <summary>
    /// Ways that a call is passed on: to the coordinator, by another voter where that is the only way.
    /// </summary>
    public const int HopsMax = 3;

    private enum Verb
    {
        Read = 0,
        Write = 1,
        Delete = 2,
    }

    private enum ConditionKind
    {
        None = 0,
        NoValue = 1,
        Version = 2,
    }

    public static void Write(PayloadBuffer buffer, in CallRegister call)
    {
        RegisterOperation operation = call.Operation;
        MessagePackWriter writer = buffer.Begin(MessageKind.CallRegister, 15);
        VoterParts.Write(ref writer, operation.Id);
        writer.Write(operation.StartedAtUnixMs);
        VoterParts.Write(ref writer, operation.Reign);
        KeyCodec.Write(ref writer, operation.Key);
        writer.Write((int)(operation.IsRead ? Verb.Read : operation.IsDelete ? Verb.Delete : Verb.Write));
        writer.Write((int)(operation.Condition switch
        {
            null => ConditionKind.None,
            { Expected: null } => ConditionKind.NoValue,
            _ => ConditionKind.Version,
        }));
        VoterParts.Write(ref writer, operation.Condition?.Expected ?? default);
        writer.Write(operation.Value.Span);
        writer.Write((int)call.Budget.TotalMilliseconds);
        writer.Write(call.Hops);
        writer.Flush();
    }

    public static CallRegister ReadCallRegister(ref MessagePackReader reader)
    {
        OperationId id = VoterParts.ReadOperationId(ref reader);
        long startedAt = reader.ReadInt64();
        Ballot reign = VoterParts.ReadBallot(ref reader);
        Key key = KeyCodec.Read(ref reader);
        var verb = (Verb)reader.ReadInt32();
        var condition = (ConditionKind)reader.ReadInt32();
        RegisterStamp expected = VoterParts.ReadStamp(ref reader);
        if (!Enum.IsDefined(verb) || !Enum.IsDefined(condition))
        {
            throw new MessagePackSerializationException($"nothing known: {verb} on condition {condition}");
        }

        var operation = new RegisterOperation
        {
            Id = id,
            StartedAtUnixMs = startedAt,
            Reign = reign,
            Key = key,
            IsRead = verb == Verb.Read,
            IsDelete = verb == Verb.Delete,
            Condition = condition == ConditionKind.None || verb == Verb.Read
                ? null
                : new RegisterCondition(condition == ConditionKind.NoValue ? null : expected),
            Value = VoterParts.ReadValue(ref reader),
        };
        TimeSpan budget = TimeSpan.FromMilliseconds(Math.Clamp(reader.ReadInt32(), 0, 60_000));
        return new CallRegister(operation, budget, Math.Clamp(reader.ReadInt32(), 0, HopsMax));
    }

    public static void Write(PayloadBuffer buffer, in RegisterAnswered answered)
    {
        MessagePackWriter writer = buffer.Begin(MessageKind.RegisterAnswered, 11);
        writer.Write((int)answered.Outcome);
        VoterParts.Write(ref writer, answered.Stamp);
        if (answered.Value is { } value)
        {
            writer.Write(value.Span);
        }
        else
        {
            writer.WriteNil();
        }

        VoterParts.Write(ref writer, answered.Reign);
        writer.Write(answered.Voters);
        writer.Write(answered.IsContested);
        writer.Write(answered.Text);
        writer.Flush();
    }

    public static RegisterAnswered ReadRegisterAnswered(ref MessagePackReader reader)
    {
        int outcome = reader.ReadInt32();
        if (outcome is < (int)RegisterOutcome.Applied or > (int)RegisterOutcome.NotServed)
        {
            throw new MessagePackSerializationException($"outcome {outcome} is not known");
        }

        RegisterStamp stamp = VoterParts.ReadStamp(ref reader);
        ReadOnlyMemory<byte>? value = null;
        if (!reader.TryReadNil())
        {
            value = VoterParts.ReadValue(ref reader);
        }

        Ballot reign = VoterParts.ReadBallot(ref reader);
        int voters = reader.ReadInt32();
        bool isContested = reader.ReadBoolean();
        return new RegisterAnswered(
            (RegisterOutcome)outcome,
            stamp,
            value,
            reign,
            voters,
            isContested,
            MessageParts.ReadText(ref reader));
    }

    /// <summary>Whoever passed a call on heard no end of it: it may have been done, or be done yet.</summary>
    public static void WriteInDoubt(PayloadBuffer buffer, string text)
    {
        MessagePackWriter writer = buffer.Begin(MessageKind.RegisterInDoubt, 1);
        writer.Write(text);
        writer.Flush();
    }
}
