using CsCheck;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Tests.Wire.Messages;

/// <summary>What holds for every message, whatever it says.</summary>
internal abstract class MessageKind
{
    /// <summary>Values that a later version might write.</summary>
    private static readonly Gen<object?> FurtherFields = Gen.OneOf(
        Gen.Int.Select(i => (object?)i),
        Gen.String.AlphaNumeric.Select(s => (object?)s),
        Gen.Byte.Array[0, 40].Select(b => (object?)b),
        Gen.Bool.Select(b => (object?)b),
        Gen.Double.Select(d => (object?)d),
        Gen.Int.Array[0, 3].Select(a => (object?)new object?[] { a.Length, new object?[] { null, "deep" } }),
        Gen.Const((object?)null));

    public abstract MessageType Type { get; }

    public abstract Type Message { get; }

    public abstract int FieldCount { get; }

    /// <summary>Frames of this message, all that can be said by it.</summary>
    public abstract Gen<byte[]> Frames { get; }

    /// <summary>A message as it stands in the file of examples.</summary>
    public abstract byte[] Example { get; }

    /// <summary>The message that a frame is, as a text; null when it is refused.</summary>
    public abstract string? Read(ReadOnlyMemory<byte> frame, IMessageNames names);

    public string? Read(ReadOnlyMemory<byte> frame) => Read(frame, FullNames.Instance);

    public abstract void RoundTrips();

    /// <summary>Further fields in the message, and in each array in it, change nothing.</summary>
    public void IgnoresFurtherFields()
    {
        var examples = new List<object?[]>();
        Frames.Sample(frame => examples.Add(WireTree.Parse(frame)), iter: 200, threads: 1);
        WireShape shape = WireShape.OfMessage(examples);
        Gen.Select(Frames, FurtherFields.Array[2, 8]).Sample((frame, further) =>
        {
            int next = 0;
            var grown = (object?[])shape.Grow(WireTree.Parse(frame), () => further[next++ % further.Length])!;
            Assert.Equal(Read(frame), Read(WireTree.Write(grown)));
        });
    }

    /// <summary>A message that lacks a field is refused.</summary>
    public void DemandsItsFields() => Frames.Sample(frame =>
    {
        object?[] whole = WireTree.Parse(frame);
        Assert.Equal(FieldCount + 1, whole.Length);
        Assert.Null(Read(WireTree.Write(whole[..^1])));
    });

    /// <summary>Whatever is done to its bytes, it is read or refused.</summary>
    public void SurvivesAnyBytes() =>
        Gen.Select(Frames, Gen.Int[0, 10_000].Array[1, 4], Gen.Byte.Array[4], Gen.Bool).Sample(
            (frame, places, values, isCut) =>
            {
                byte[] bytes = [.. frame];
                for (int i = 0; i < places.Length; i++)
                {
                    bytes[places[i] % bytes.Length] = values[i];
                }

                Read(isCut ? bytes.AsMemory(0, places[0] % bytes.Length) : bytes);
            });

    public override string ToString() => Type.ToString();
}

/// <inheritdoc/>
internal sealed class MessageKind<TMessage>(TMessage example, Gen<TMessage> messages) : MessageKind
    where TMessage : struct, IWireMessage<TMessage>
{
    public override MessageType Type => TMessage.Type;

    public override Type Message => typeof(TMessage);

    public override int FieldCount => TMessage.FieldCount;

    public override Gen<byte[]> Frames => messages.Select(message => MessageBytes.Of(message));

    public override byte[] Example => MessageBytes.Of(example);

    public override string? Read(ReadOnlyMemory<byte> frame, IMessageNames names) =>
        WireMessage.TryRead(frame, out TMessage message, out _) ? MessageText.Of(message, names) : null;

    public override void RoundTrips() => messages.Sample(message =>
    {
        byte[] frame = MessageBytes.Of(message);
        Assert.True(WireMessage.TryRead(frame, out TMessage read, out string? rule), rule);
        Assert.Equal(MessageText.Of(message, FullNames.Instance), MessageText.Of(read, FullNames.Instance));
        Assert.Equal((int)TMessage.Type, Assert.IsType<long>(WireTree.Parse(frame)[0]));
    });
}
