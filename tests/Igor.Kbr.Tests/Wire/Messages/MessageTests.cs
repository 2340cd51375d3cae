using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Tests.Wire.Messages;

public class MessageTests
{
    public static TheoryData<string> Names => [.. MessageKinds.All.Select(kind => kind.ToString())];

    [Fact]
    public void Message_of_each_type_is_tested() => Assert.Equal(
        typeof(IWireMessage<>).Assembly.GetTypes()
            .Where(t => t.IsValueType && t.Namespace == typeof(IWireMessage<>).Namespace
                && t.GetInterfaces().Any(i => i.Name == typeof(IWireMessage<>).Name))
            .Select(t => t.Name)
            .Order(StringComparer.Ordinal),
        MessageKinds.All.Select(kind => kind.Message.Name).Order(StringComparer.Ordinal));

    [Fact]
    public void Golden_examples_of_all_messages_are_written_as_ever() => Golden.Check(
        "Wire/Messages/messages.txt",
        string.Concat(MessageKinds.All.Select(
            kind => $"{kind.Read(kind.Example)}\n    {WireTree.Text(WireTree.Parse(kind.Example))}\n")));

    [Theory]
    [MemberData(nameof(Names))]
    public void Message_round_trips(string name) => Named(name).RoundTrips();

    [Theory]
    [MemberData(nameof(Names))]
    public void Further_fields_of_a_message_and_of_the_arrays_in_it_are_ignored(string name) =>
        Named(name).IgnoresFurtherFields();

    [Theory]
    [MemberData(nameof(Names))]
    public void Message_without_one_of_its_fields_is_refused(string name) => Named(name).DemandsItsFields();

    [Theory]
    [MemberData(nameof(Names))]
    public void Bytes_of_a_message_with_changes_are_read_or_refused(string name) =>
        Named(name).SurvivesAnyBytes();

    private static MessageKind Named(string name) => MessageKinds.All.Single(kind => kind.ToString() == name);
}
