using System.Text;
using Igor.Kbr;
using Igor.Kbr.Overlay.Rings;
using Igor.Kbr.Wire;
using Igor.Node.Addresses;
using Igor.Node.Reporting;
using Microsoft.Extensions.Logging;

namespace Igor.Node.Disk;

/// <summary>
/// The members of the ring that a node knows, so that it finds its ring again when its bootstrap addresses
/// are gone, and does not take itself for the whole of it meanwhile. A text file with a heading and one
/// member on each line: its id and its addresses. Who left in order, and clients, are not in it. A file that
/// is damaged, or that cannot be written, costs a line in the log.
/// </summary>
internal sealed class PeerCache
{
    /// <summary>Most members kept: enough that some live after a long absence.</summary>
    public const int MembersMax = AwayMembers.CountMax;

    private const string Heading = "igor-peers 2";
    private const int FileBytesMax = 128 * 1024;
    private const string FileName = "peers";

    private readonly Lock _gate = new();
    private readonly string _path;
    private readonly ILogger _log;
    private string _text = string.Empty;

    private PeerCache(string path, ILogger log)
    {
        _path = path;
        _log = log;
    }

    /// <summary>The members that the last run knew.</summary>
    public IReadOnlyList<KnownMember> Members { get; private set; } = [];

    /// <summary>Reads the cache of a data folder; empty when there is none or it is damaged.</summary>
    public static PeerCache Load(DataFolder folder, ILogger log)
    {
        var cache = new PeerCache(folder.Combine(FileName), log);
        try
        {
            if (File.Exists(cache._path))
            {
                cache.Members = Read(cache._path);
                cache._text = TextOf(cache.Members);
            }
        }
        catch (Exception problem) when (DiskTrouble.IsDisk(problem) || problem is FormatException)
        {
            NodeLog.PeerCacheUnreadable(log, cache._path, problem.Message);
        }

        return cache;
    }

    /// <summary>Removes the cache of a data folder.</summary>
    /// <exception cref="NodeStartException">The folder cannot be written.</exception>
    public static void Forget(DataFolder folder)
    {
        string path = folder.Combine(FileName);
        try
        {
            File.Delete(path);
        }
        catch (Exception problem) when (DiskTrouble.IsDisk(problem))
        {
            throw DiskTrouble.Explain("remove the known peers", path, problem);
        }
    }

    /// <summary>Writes the members that are known now, if that changes anything.</summary>
    public void Remember(IEnumerable<KnownMember> members)
    {
        lock (_gate)
        {
            string text = TextOf(members.Where(IsMember).OrderBy(member => member.Id).Take(MembersMax));
            if (text == _text)
            {
                return;
            }

            try
            {
                DurableFile.Write(_path, Encoding.UTF8.GetBytes(text), replace: true);
                _text = text;
            }
            catch (Exception problem) when (DiskTrouble.IsDisk(problem))
            {
                NodeLog.PeerCacheUnwritable(_log, _path, problem.Message);
            }
        }
    }

    private static string TextOf(IEnumerable<KnownMember> members) => Heading + "\n" + string.Concat(
        members.Select(member => $"{member.Id} {string.Join(' ', member.Addresses)}\n"));

    private static List<KnownMember> Read(string path)
    {
        if (new FileInfo(path).Length > FileBytesMax)
        {
            throw new FormatException("it is too large");
        }

        string[] lines = File.ReadAllLines(path);
        return lines.Length > 0 && lines[0] == Heading
            ? [.. lines.Skip(1).Select(Parse).Take(MembersMax)]
            : throw new FormatException("its heading is wrong");
    }

    private static KnownMember Parse(string line) =>
        line.Split(' ') is [var id, .. var addresses] && Key.TryParse(id, out Key key)
            && new KnownMember(key, [.. addresses]) is var member && IsMember(member)
            ? member
            : throw new FormatException("it holds something that is no member");

    private static bool IsMember(KnownMember member) =>
        member.Addresses.Length is > 0 and <= WireLimits.AddressesMax && member.Addresses.All(IsAddress);

    private static bool IsAddress(string text) =>
        HostPort.TryParse(text, out HostPort parsed) && parsed.Port != 0;
}
