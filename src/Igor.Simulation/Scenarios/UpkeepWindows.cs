using Igor.Kbr.Wire;
using Igor.Simulation.Network;

namespace Igor.Simulation.Scenarios;

/// <summary>
/// What each host sends in each window of 10 s from now on: an average over longer would hide a flood.
/// </summary>
internal sealed class UpkeepWindows
{
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Begin = TimeSpan.FromSeconds(30);

    private readonly SimulatedNetwork _network;
    private readonly TimeSpan _start;
    private readonly FrameCounts _counts;
    private readonly long _bytes;
    private readonly long[] _sent;
    private readonly double[] _peaks; // of each window in turn, bytes per second of the host that sent most
    private readonly List<double> _most = [];
    private bool _isOver;

    /// <summary>Starts measuring.</summary>
    public UpkeepWindows(SimulatedNetwork network)
    {
        _network = network;
        _start = network.Now;
        _counts = network.Counts.Copy();
        _bytes = network.BytesSent;
        _sent = [.. network.Nodes.Select(node => node.BytesSent)];
        _peaks = new double[_sent.Length];
        network.Engine.After(Window, Close);
    }

    /// <summary>Notes what was found.</summary>
    public void Finish(ScenarioRun run, string when)
    {
        _isOver = true;
        double nodeSeconds = (_network.Now - _start).TotalSeconds * _sent.Length;
        int begun = (int)(Begin / Window);
        run.Measure($"peakBytesPerSecond{when}", _most.Max());
        run.Measure($"peakBytesPerSecondLater{when}", _most.Skip(begun).DefaultIfEmpty().Max());
        run.Measure($"meanBytesPerNodePerSecond{when}", (_network.BytesSent - _bytes) / nodeSeconds);
        for (int i = 0; i < _most.Count; i++)
        {
            run.Measure($"mostBytesPerSecond{when}{i * Window.TotalSeconds}s", _most[i]);
        }

        foreach (MessageType type in _network.Counts.Types)
        {
            (long frames, long bytes) = _network.Counts.Of(type);
            (long framesBefore, long bytesBefore) = _counts.Of(type);
            run.Measure($"framesPerNode{when}Of{type}", (double)(frames - framesBefore) / _sent.Length);
            run.Measure($"bytesPerNode{when}Of{type}", (double)(bytes - bytesBefore) / _sent.Length);
        }
    }

    private void Close()
    {
        if (_isOver)
        {
            return;
        }

        for (int i = 0; i < _sent.Length; i++)
        {
            long sent = _network.Nodes[i].BytesSent;
            _peaks[i] = (sent - _sent[i]) / Window.TotalSeconds;
            _sent[i] = sent;
        }

        _most.Add(_peaks.Max());
        _network.Engine.After(Window, Close);
    }
}
