namespace Igor.Dht.Storage;

/// <summary>
/// What the folder of a store stands in, such as the data folder of a node: it knows which network the
/// records belong to, and who uses them. Handed in, so that a store knows nothing of nodes.
/// </summary>
public interface IStoreHome
{
    /// <summary>The network that the records in a folder belong to; null when none is bound.</summary>
    /// <exception cref="RecordStoreException">What the folder says is damaged.</exception>
    string? ReadNetwork(string folder);

    /// <summary>Refuses a network that is not the records'; those without one take any.</summary>
    /// <returns>Whether the records are bound to a network, this one.</returns>
    /// <exception cref="RecordStoreException">They belong to another network.</exception>
    bool CheckNetwork(string folder, string network);

    /// <summary>Binds the records in a folder to a network, whatever they were bound to.</summary>
    /// <exception cref="RecordStoreException">The folder cannot be written.</exception>
    void BindNetwork(string folder, string network);

    /// <summary>This process has the folder to itself from now on.</summary>
    void Enter(string folder);

    /// <summary>This process has it no more.</summary>
    void Leave(string folder);

    /// <summary>
    /// Says, to somebody who is kept out, which process has the folder, and what to do.
    /// </summary>
    string DescribeUse(string folder);
}
