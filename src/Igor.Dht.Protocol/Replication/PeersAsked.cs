using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Messages;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Replication;

/// <summary>
/// Asks all members near the same, one question at a time, and says in the end how many did not do it.
/// </summary>
internal sealed class PeersAsked(ReplicaContext context, RootKnowledge root) : IReplyHandler
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(1);

    private int _outstanding;
    private int _refused;
    private int _round;
    private Action<int>? _ended;

    /// <summary>Whether answers are waited for.</summary>
    public bool IsAsking => _ended is not null;

    /// <summary>Asks; whoever is asked something before is not waited for any more.</summary>
    /// <param name="write">Writes the question.</param>
    /// <param name="ended">
    /// Is told how many did not say that it is done; at once when nobody is there.
    /// </param>
    public void Ask(Action write, Action<int> ended)
    {
        _round++;
        _refused = 0;
        _outstanding = root.Peers.Count;
        _ended = ended;
        foreach (PeerKnowledge peer in root.Peers)
        {
            write();
            context.Request(this, _round, peer.Id, exact: true, Timeout);
        }

        EndWhenAnswered();
    }

    /// <inheritdoc/>
    public void HandleReply(int tag, in KbrReply reply)
    {
        if (tag == _round && IsAsking)
        {
            _refused += Decoding.IsDone(reply) ? 0 : 1;
            _outstanding--;
            EndWhenAnswered();
        }
    }

    private void EndWhenAnswered()
    {
        if (_outstanding == 0)
        {
            Action<int> ended = _ended!;
            _ended = null;
            ended(_refused);
        }
    }
}
