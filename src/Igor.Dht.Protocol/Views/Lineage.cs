namespace Igor.Dht.Protocol.Views;

/// <summary>
/// One line of descent of views. Registers are linearizable within it; it is drawn at random where a network
/// is founded, or where an operator gives up a majority.
/// </summary>
internal readonly record struct Lineage(ulong High, ulong Low);
