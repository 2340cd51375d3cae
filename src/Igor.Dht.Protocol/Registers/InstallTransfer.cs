using Igor.Dht.Protocol.Ring;
using Igor.Dht.Protocol.Views;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Registers;

/// <summary>
/// Makes a member's registers those of the coordinator: asks what it holds, some keys at a time, and stores
/// what differs. Writes go on meanwhile, and reach the member on their own.
/// </summary>
internal sealed class InstallTransfer(ReignHost host, VoterCalls calls, VoterServer own, Voter target)
    : Transfer(host, calls, target)
{
    private Key _first = host.Reign.Span.First;
    private bool _isAsking;
    private bool _isAtEnd;

    /// <inheritdoc/>
    protected override void Advance()
    {
        if (_isAtEnd)
        {
            Host.End(this);
        }
        else if (!_isAsking)
        {
            _isAsking = true;
            Calls.List(Target, Span with { First = _first }, Ballot, HandleList);
        }
    }

    private void HandleList(RegisterList? answer)
    {
        _isAsking = false;
        if (Host.IsOver || answer is not { } list)
        {
            return; // asked for again at the next deadline
        }

        if (!list.IsPromised || list.Last < _first || list.Last > Span.Last)
        {
            Host.Outvote();
            return;
        }

        Host.HandleProgress();
        Dictionary<Key, RegisterVersion> there = [];
        foreach ((Key key, RegisterVersion version) in list.Registers)
        {
            there[key] = version;
        }

        var part = new KeySpan(_first, list.Last);
        foreach ((Key key, Register register) in own.Shelf.Within(part))
        {
            if (there.GetValueOrDefault(key) != register.Version)
            {
                Store(key, register);
            }

            there.Remove(key);
        }

        foreach (Key key in there.Keys.Order())
        {
            Store(key, null);
        }

        _isAtEnd = list.Last == Span.Last;
        _first = _isAtEnd ? _first : list.Last + KeySpan.One;
        if (!IsStoring)
        {
            Advance();
        }
    }
}
