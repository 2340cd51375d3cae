using System.Net;
using Igor.Kbr;
using Igor.Local.Sockets;

namespace Igor.Node.Memory;

/// <summary>
/// What a <see cref="ByteBudget"/> holds for one peer or application. All members are thread-safe; whatever
/// is taken has to be returned.
/// </summary>
public sealed class ByteAccount : IFrameBytes
{
    private readonly ByteBudget _budget;

    internal ByteAccount(ByteBudget budget, HolderKind kind, Key? node, IPAddress? address)
    {
        _budget = budget;
        Kind = kind;
        Node = node;
        Address = address;
    }

    /// <summary>The node whose account it is; null for an application at the local socket.</summary>
    internal Key? Node { get; }

    /// <summary>The address whose strangers have a share together; null where that is not known.</summary>
    internal IPAddress? Address { get; }

    // The budget's own notes, under its lock.
    internal HolderKind Kind { get; set; }

    internal long HeldBytes { get; set; }

    internal int Users { get; set; }

    /// <summary>Takes bytes, unless that is more than the share.</summary>
    /// <returns>False when nothing was taken: the answer is "busy".</returns>
    public bool TryTake(int bytes) => _budget.TryTake(this, bytes);

    /// <summary>Takes bytes of a frame that is being received.</summary>
    /// <param name="bytes">How many.</param>
    /// <param name="isRetry">Whether they were refused before: that is one refusal.</param>
    internal bool TryTakeIncoming(int bytes, bool isRetry = false) =>
        _budget.TryTakeIncoming(this, bytes, isRetry);

    /// <summary>Gives bytes of a frame back that was received.</summary>
    internal void ReturnIncoming(int bytes) => _budget.ReturnIncoming(this, bytes);

    bool IFrameBytes.TryTakeIncoming(int bytes, bool isRetry) => TryTakeIncoming(bytes, isRetry);

    void IFrameBytes.ReturnIncoming(int bytes) => ReturnIncoming(bytes);

    /// <summary>
    /// Takes bytes that are there already and bounded by what was taken before; others get fewer for it.
    /// </summary>
    public void Take(int bytes) => _budget.Take(this, bytes);

    /// <summary>Gives bytes back.</summary>
    public void Return(int bytes) => _budget.Return(this, bytes);

    /// <summary>The holder has become somebody else to the node.</summary>
    public void SetKind(HolderKind kind) => _budget.SetKind(this, kind);
}
