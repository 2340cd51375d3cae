using Igor.Kbr.Wire;
using Igor.Simulation.Checks;
using Igor.Simulation.Network;

namespace Igor.Simulation.Scenarios;

/// <summary>
/// What it costs to keep the running nodes in their rings: everything that is sent, handshakes and headers
/// included, except the lookups of a probe.
/// </summary>
internal sealed class UpkeepMeter
{
    private const int FrameOverheadBytes = 4 + 22 + 40; // length, TLS record, TCP and IP headers

    private readonly ScenarioRun _run;
    private readonly LookupProbe _probe;
    private readonly TimeSpan _start;
    private readonly long _bytes;
    private readonly long _frames;
    private readonly long _records;
    private readonly long _handshakes;
    private readonly FrameCounts _counts;

    /// <summary>Starts measuring.</summary>
    public UpkeepMeter(ScenarioRun run, LookupProbe probe)
    {
        _run = run;
        _probe = probe;
        _start = run.Network.Now;
        _bytes = Bytes;
        _frames = Frames;
        _records = run.Network.RecordsSent;
        _handshakes = run.Network.HandshakesMade;
        _counts = run.Network.Counts.Copy();
    }

    private long Bytes =>
        _run.Network.BytesSent - _probe.BytesSeen - (_probe.FramesSeen * FrameOverheadBytes);

    private long Frames => _run.Network.FramesSent - _probe.FramesSeen;

    /// <summary>Measures a quiet network for a while.</summary>
    public static void Measure(ScenarioRun run, LookupProbe probe, TimeSpan span)
    {
        var meter = new UpkeepMeter(run, probe);
        run.Network.RunFor(span);
        meter.Finish();
    }

    /// <summary>Notes what was sent since the start; the number of running nodes has to be steady.</summary>
    public void Finish()
    {
        SimulatedNetwork network = _run.Network;
        var running = network.RunningNodes.ToList();
        double nodeSeconds = (network.Now - _start).TotalSeconds * running.Count;
        _run.Measure("upkeepBytesPerNodePerSecond", (Bytes - _bytes) / nodeSeconds);
        _run.Measure("upkeepFramesPerNodePerSecond", (Frames - _frames) / nodeSeconds);
        _run.Measure("recordsPerNodePerSecond", (network.RecordsSent - _records) / nodeSeconds);
        _run.Measure(
            "handshakesPerNodePerMinute", 60 * (network.HandshakesMade - _handshakes) / nodeSeconds);
        foreach (MessageType type in network.Counts.Types)
        {
            (long frames, long bytes) = network.Counts.Of(type);
            (long framesBefore, long bytesBefore) = _counts.Of(type);
            _run.Measure($"framesPerNodePerSecondOf{type}", (frames - framesBefore) / nodeSeconds);
            _run.Measure($"bytesPerNodePerSecondOf{type}", (bytes - bytesBefore) / nodeSeconds);
        }

        _run.Measure("linksPerNodeMean", running.Average(node => node.LinkCount));
    }
}
