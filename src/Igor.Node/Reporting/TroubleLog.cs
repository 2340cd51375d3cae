using Igor.Kbr;
using Microsoft.Extensions.Logging;

namespace Igor.Node.Reporting;

/// <summary>
/// Tells the log what troubles a node: each kind of trouble once when it comes and once when it is over, at a
/// level that is logged by default.
/// </summary>
internal sealed class TroubleLog(ILogger log)
{
    private readonly HashSet<string> _reported = [];

    /// <summary>Takes what troubles the node now.</summary>
    public void Report(IReadOnlyList<Trouble> troubles)
    {
        foreach (Trouble trouble in troubles)
        {
            // A node that starts is joining; that it does not succeed shows as being alone.
            // Each clock that is off is told by itself.
            if (trouble.Kind != TroubleKinds.Joining && _reported.Add(trouble.Kind)
                && trouble.Kind != TroubleKinds.Clock)
            {
                NodeLog.Troubled(log, trouble.Text, trouble.Kind);
            }
        }

        foreach (string kind in _reported.Except(troubles.Select(trouble => trouble.Kind)).ToArray())
        {
            _reported.Remove(kind);
            NodeLog.TroubleOver(log, kind);
        }
    }
}
