using System.Text;
using Microsoft.Extensions.Logging;

namespace Igor.Node;

/// <summary>
/// Addresses of peers known from an earlier run, so that a node finds its ring again when its bootstrap
/// addresses are gone. A text file with a heading and one address on each line, the newest first. It is a
/// help only: a file that is damaged, or that cannot be written, costs a line in the log.
/// </summary>
internal sealed class PeerCache
{
    /// <summary>Most addresses kept: enough that some live after a long absence.</summary>
    public const int AddressesMax = 64;

    private const string Heading = "igor-peers 1";
    private const int FileBytesMax = 64 * 1024;
    private const string FileName = "peers";

    private readonly Lock _gate = new();
    private readonly string _path;
    private readonly ILogger _log;
    private List<string> _addresses = [];

    private PeerCache(string path, ILogger log)
    {
        _path = path;
        _log = log;
    }

    /// <summary>The addresses, newest first.</summary>
    public IReadOnlyList<string> Addresses
    {
        get
        {
            lock (_gate)
            {
                return [.. _addresses];
            }
        }
    }

    /// <summary>Reads the cache of a data folder; empty when there is none or it is damaged.</summary>
    public static PeerCache Load(DataFolder folder, ILogger log)
    {
        var cache = new PeerCache(folder.Combine(FileName), log);
        try
        {
            if (File.Exists(cache._path))
            {
                cache._addresses = Read(cache._path);
            }
        }
        catch (Exception problem) when (DiskTrouble.IsDisk(problem) || problem is FormatException)
        {
            NodeLog.PeerCacheUnreadable(log, cache._path, problem.Message);
        }

        return cache;
    }

    /// <summary>
    /// Puts the addresses of live peers in front of the older ones and writes the file if that changed
    /// anything.
    /// </summary>
    public void Remember(IEnumerable<string> live)
    {
        lock (_gate)
        {
            List<string> next = [.. live.Where(IsAddress).Concat(_addresses).Distinct().Take(AddressesMax)];
            if (next.ToHashSet().SetEquals(_addresses))
            {
                return;
            }

            _addresses = next;
            try
            {
                string text = Heading + "\n" + string.Concat(next.Select(address => address + "\n"));
                DurableFile.Write(_path, Encoding.UTF8.GetBytes(text), replace: true);
            }
            catch (Exception problem) when (DiskTrouble.IsDisk(problem))
            {
                NodeLog.PeerCacheUnwritable(_log, _path, problem.Message);
            }
        }
    }

    private static List<string> Read(string path)
    {
        if (new FileInfo(path).Length > FileBytesMax)
        {
            throw new FormatException("it is too large");
        }

        string[] lines = File.ReadAllLines(path);
        if (lines.Length == 0 || lines[0] != Heading)
        {
            throw new FormatException("its heading is wrong");
        }

        List<string> addresses = [.. lines.Skip(1).Distinct().Take(AddressesMax)];
        return addresses.TrueForAll(IsAddress)
            ? addresses
            : throw new FormatException("it holds something that is no address");
    }

    private static bool IsAddress(string text) =>
        HostPort.TryParse(text, out HostPort parsed) && parsed.Port != 0;
}
