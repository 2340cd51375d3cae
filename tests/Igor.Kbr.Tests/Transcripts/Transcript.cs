using System.Globalization;
using System.Text;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Tests.Overlay;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Tests.Transcripts;

/// <summary>
/// Writes down what the nodes of a network say and do: a line for each message and for each effect, with the
/// time and short names. A message stands where it is sent; it arrives after the network's delay.
/// </summary>
internal sealed class Transcript : INetworkObserver
{
    private readonly StringBuilder _text = new();
    private readonly TestNetwork _network;
    private readonly TranscriptNames _names;
    private readonly HashSet<MessageType> _hidden = [];

    public Transcript(TestNetwork network, string title, string purpose)
    {
        _network = network;
        _names = new TranscriptNames(network);
        _text.AppendLine(title).AppendLine(new string('=', title.Length)).AppendLine().AppendLine(purpose);
        _text.AppendLine().AppendLine(CultureInfo.InvariantCulture, $"""
            A line is a message where it is sent ("A > B", {network.Delay.TotalMilliseconds:0} ms on its way),
            or what happens at a node. Seconds stand in front. Nodes are letters, as they came; #1, #2 are
            numbers chosen at random. Clocks that are right, lists of no contacts, and what each Hello and
            Accept has are left out.
            """);
        network.Observer = this;
    }

    /// <summary>Whether lines are written; a scenario begins with what is not its point.</summary>
    public bool IsQuiet { get; set; }

    /// <summary>Messages that are not shown from now on, since they are not the point.</summary>
    public void Hide(params MessageType[] types)
    {
        _hidden.UnionWith(types);
        _text.AppendLine().Append("Not shown: ").AppendJoin(", ", types).AppendLine(".");
    }

    /// <summary>Says what happens next.</summary>
    public void Say(string what) => _text.AppendLine().Append("-- ").AppendLine(what).AppendLine();

    /// <summary>Adds a node, which gets the next letter.</summary>
    public TestNode Add(
        byte idBegin, TestNode? through = null, Func<OverlayOptions, OverlayOptions>? change = null)
    {
        var id = new Key((ulong)idBegin << 56, 0, 0, 0);
        string name = _names.Add(id);
        _text.AppendLine(CultureInfo.InvariantCulture,
            $"{string.Empty,8}  {name,-5}  is {id.ToShortString()}..., at {_network.NextAddress}");
        return _network.Add(id, change, through);
    }

    /// <summary>Names a service.</summary>
    public void Add(string service) => _names.Add(service);

    public void HandleFrame(TestNode from, TestNode to, byte[] frame, FrameFate fate)
    {
        if (_hidden.Contains((MessageType)frame[1]))
        {
            return;
        }

        string message = TranscriptFrames.Text(frame, _names);
        Write($"{_names.Of(from.Id)} > {_names.Of(to.Id)}", fate switch
        {
            FrameFate.Lost => $"{message}  ** is lost **",
            FrameFate.NoRoom => $"{message}  ** finds no room on the link **",
            _ => message,
        });
    }

    public void HandleEffect(TestNode node, string what, params object[] details) => Write(
        _names.Of(node.Id), string.Join(' ', [what, .. details.Select(_names.OfDetail)]));

    public override string ToString() => _text.Replace("\r", string.Empty).ToString();

    private void Write(string who, string what)
    {
        if (!IsQuiet)
        {
            _text.AppendLine(CultureInfo.InvariantCulture,
                $"{_network.Now.TotalSeconds,8:0.000}  {who,-5}  {what.TrimEnd()}");
        }
    }
}
