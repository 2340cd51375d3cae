namespace Igor.Kbr.Overlay.Machines;

/// <summary>
/// When something is to be done about each connected peer, and for whom first. The times lie side by side, so
/// that finding the earliest touches no peer.
/// </summary>
internal sealed class PeerTimes : PeerTable.IKept
{
    private readonly PeerTable _peers;
    private TimeSpan[] _times = [];
    private TimeSpan _earliest = TimeSpan.MaxValue;

    public PeerTimes(PeerTable peers)
    {
        _peers = peers;
        peers.Keep(this);
    }

    public TimeSpan? Earliest => _earliest == TimeSpan.MaxValue ? null : _earliest;

    /// <summary>When it is a peer's turn; <see cref="TimeSpan.MaxValue"/> for never.</summary>
    public TimeSpan this[Peer peer]
    {
        get => _times[peer.Slot];
        set => Set(peer.Slot, value);
    }

    /// <summary>It is a peer's turn no later than that.</summary>
    public void Hasten(Peer peer, TimeSpan at) => this[peer] = at < this[peer] ? at : this[peer];

    /// <summary>The peer with the earliest time, when that has come: it has none any more.</summary>
    public Peer? TakeDue(TimeSpan now)
    {
        if (_earliest > now || _earliest == TimeSpan.MaxValue)
        {
            return null;
        }

        int slot = Array.IndexOf(_times, _earliest);
        Set(slot, TimeSpan.MaxValue);
        return _peers.InSlot(slot);
    }

    void PeerTable.IKept.Begin(int slot)
    {
        int before = _times.Length;
        if (slot >= before)
        {
            Array.Resize(ref _times, slot + 1 + (slot / 4));
            _times.AsSpan(before).Fill(TimeSpan.MaxValue);
        }
    }

    void PeerTable.IKept.End(int slot) => Set(slot, TimeSpan.MaxValue);

    private void Set(int slot, TimeSpan at)
    {
        bool wasEarliest = _times[slot] == _earliest;
        _times[slot] = at;
        if (at < _earliest)
        {
            _earliest = at;
        }
        else if (wasEarliest)
        {
            _earliest = TimeSpan.MaxValue;
            foreach (TimeSpan time in _times)
            {
                _earliest = time < _earliest ? time : _earliest;
            }
        }
    }
}
