namespace Igor.Dht.Protocol.Views;

/// <summary>How far a coordinator is.</summary>
internal enum ReignPhase
{
    /// <summary>It finds out what the registers are.</summary>
    Gathering,

    /// <summary>It brings majorities to exactly that.</summary>
    Installing,

    /// <summary>It serves.</summary>
    Serving,

    /// <summary>It is over; another takeover is needed to serve again.</summary>
    Ended,
}
