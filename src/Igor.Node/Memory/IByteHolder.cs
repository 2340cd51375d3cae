namespace Igor.Node.Memory;

/// <summary>An application whose calls are bounded by an account of its own.</summary>
internal interface IByteHolder
{
    /// <summary>The account.</summary>
    ByteAccount Account { get; }
}
