using System.Globalization;

namespace Igor.Trial.Lab;

/// <summary>
/// Hosts on one bridge, each in a network namespace of its own. The way from one to another is cut by giving
/// it the hardware address of nobody: packets leave and vanish, and no error is told.
/// </summary>
internal sealed class LabNetwork : IDisposable
{
    private const string Hub = "igor-trial-hub";
    private const string Nobody = "02:49:ff:ff:ff:ff";
    private readonly int _hosts;
    private readonly Dictionary<(int From, int To), int> _cuts = [];

    public LabNetwork(int hosts)
    {
        _hosts = hosts;
        Remove();
        Tool.Run("ip", "netns", "add", Hub);
        Tool.IpBatch(Hub, ["link add br0 type bridge", "link set br0 up", "link set lo up"]);
        for (int host = 0; host < hosts; host++)
        {
            Tool.Run("ip", "netns", "add", NameOf(host));
            Tool.IpBatch(Hub,
            [
                $"link add v{host} type veth peer name eth0 netns {NameOf(host)}",
                $"link set v{host} master br0",
                $"link set v{host} up",
            ]);
            Tool.IpBatch(NameOf(host),
            [
                $"link set eth0 address {HardwareOf(host)}",
                $"addr add {AddressOf(host)}/24 dev eth0",
                "link set eth0 up",
                "link set lo up",
                .. Others(host).Select(other => Way(other, isOpen: true)),
            ]);
        }
    }

    public static string NameOf(int host) => $"igor-trial-{host}";

    public static string AddressOf(int host) => $"10.77.0.{host + 1}";

    /// <summary>Nothing comes from some hosts to others, until this is taken back as often.</summary>
    public void Cut(IEnumerable<int> from, IReadOnlyCollection<int> to) => Change(from, to, 1);

    public void Heal(IEnumerable<int> from, IReadOnlyCollection<int> to) => Change(from, to, -1);

    public void HealAll()
    {
        foreach ((int from, int to) in _cuts.Where(cut => cut.Value > 0).Select(cut => cut.Key).ToList())
        {
            Change([from], [to], -_cuts[(from, to)]);
        }
    }

    public void Dispose() => Remove();

    private static void Remove()
    {
        foreach (string line in Tool.Run("ip", "netns", "list").Split('\n'))
        {
            string name = line.Split(' ')[0];
            if (name.StartsWith("igor-trial-", StringComparison.Ordinal))
            {
                Tool.Try("ip", "netns", "del", name);
            }
        }
    }

    private static string HardwareOf(int host) =>
        string.Create(CultureInfo.InvariantCulture, $"02:49:00:00:00:{host + 1:x2}");

    private static string Way(int to, bool isOpen) =>
        $"neigh replace {AddressOf(to)} lladdr {(isOpen ? HardwareOf(to) : Nobody)} dev eth0 nud permanent";

    private IEnumerable<int> Others(int host) => Enumerable.Range(0, _hosts).Where(other => other != host);

    private void Change(IEnumerable<int> from, IReadOnlyCollection<int> to, int by)
    {
        foreach (int here in from)
        {
            var lines = new List<string>();
            foreach (int there in to.Where(there => there != here))
            {
                int before = _cuts.GetValueOrDefault((here, there));
                int after = Math.Max(0, before + by);
                _cuts[(here, there)] = after;
                if (before > 0 != after > 0)
                {
                    lines.Add(Way(there, after == 0));
                }
            }

            if (lines.Count > 0)
            {
                Tool.IpBatch(NameOf(here), lines);
            }
        }
    }
}
