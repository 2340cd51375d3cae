using Igor.Local;
using Igor.Local.Sockets;
using Igor.Node.Memory;
using Igor.Node.Scheduling;

namespace Igor.Node.Hosting;

/// <summary>What a process at the local socket gets of the node: memory, and turns of the strand.</summary>
internal sealed class ApplicationShare(ByteAccount account) : IApplicationShare
{
    /// <summary>What is held for the process.</summary>
    public ByteAccount Account => account;

    /// <summary>Where its calls come from.</summary>
    public WorkSource Work { get; } = new(WorkClass.Member);

    IFrameBytes IApplicationShare.Bytes => account;
}
