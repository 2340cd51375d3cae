using Igor.Local.Sockets;

namespace Igor.Local;

/// <summary>What a process gets of its host; what else belongs to it the host knows.</summary>
internal interface IApplicationShare
{
    /// <summary>The memory for its frames.</summary>
    IFrameBytes Bytes { get; }
}
