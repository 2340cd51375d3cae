using Igor.Kbr;
using Igor.Simulation.Network;

namespace Igor.Simulation.Checks;

/// <summary>
/// No payload of a service is seen by a host that does not run it. Payloads of the service carry a mark (see
/// <see cref="Mark"/>); the checker watches all frames and reports a mark that goes to a host without it.
/// </summary>
public sealed class IsolationChecker
{
    private const string Name = "isolation";
    private readonly ServiceId _service;
    private readonly ViolationLog _log;
    private readonly byte[] _mark;

    /// <summary>Starts watching.</summary>
    public IsolationChecker(SimulatedNetwork network, ServiceId service, ViolationLog log)
    {
        ArgumentNullException.ThrowIfNull(network);
        _service = service;
        _log = log;
        _mark = new byte[16];
        network.Engine.RandomFor("mark of " + service).Fill(_mark);
        network.Tap += Watch;
    }

    /// <summary>16 bytes that every payload of the service has to contain.</summary>
    public ReadOnlyMemory<byte> Mark => _mark;

    /// <summary>Number of frames with the mark that were seen.</summary>
    public long MarkedFrames { get; private set; }

    private void Watch(
        SimulatedNode from, SimulatedNode to, ReadOnlySpan<byte> header, ReadOnlySpan<byte> payload)
    {
        if (payload.IndexOf(_mark) < 0 && header.IndexOf(_mark) < 0)
        {
            return;
        }

        MarkedFrames++;
        if (!to.Runs(_service, ServiceRole.Member) && !to.Runs(_service, ServiceRole.Client) && to.IsRunning)
        {
            _log.Add(Name, $"{from} sent payload of service {_service} to {to}, which does not run it");
        }
    }
}
