using Igor.Kbr;

namespace Igor.Dht.Protocol.Views;

/// <summary>
/// What a coordinator does to the world. Its host must not call back from here, but queue what follows.
/// </summary>
internal interface IReignOutput
{
    /// <summary>Sends a request to a voter, this node's own too; lost ones are sent again.</summary>
    void Send(Voter to, VoterRequest request);

    /// <summary>
    /// Makes the own registers the state of the piece (<see cref="Gathering"/>), by stores under the ballot;
    /// ends in <see cref="Reign.HandleGathered"/>.
    /// </summary>
    void Gather(WonPiece won);

    /// <summary>
    /// Makes a member's registers the own ones, by stores under the ballot: what differs is replaced, also by
    /// older versions or nothing. Ends in <see cref="Reign.HandleInstalled"/>; asked for again while that is
    /// under way.
    /// </summary>
    void Install(Voter member);

    /// <summary>Reads the own register of a key; ends in <see cref="Reign.HandleRead"/>.</summary>
    void Read(Key key);

    /// <summary>Sends a member what is held here of a key, as a store.</summary>
    void Resend(Voter to, Key key);

    /// <summary>An operation ended.</summary>
    void Answer(RegisterOperation operation, RegisterAnswer answer);

    /// <summary>The reign changed its phase, its view or the one that is proposed.</summary>
    void Changed();
}
