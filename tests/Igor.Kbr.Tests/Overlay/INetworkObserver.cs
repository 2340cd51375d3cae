namespace Igor.Kbr.Tests.Overlay;

/// <summary>What becomes of a frame that a node of a <see cref="TestNetwork"/> sends.</summary>
internal enum FrameFate
{
    Arrives,

    /// <summary>The link takes it, and it never arrives.</summary>
    Lost,

    /// <summary>The link has no room for it.</summary>
    NoRoom,
}

/// <summary>Sees what the nodes of a <see cref="TestNetwork"/> do.</summary>
internal interface INetworkObserver
{
    void HandleFrame(TestNode from, TestNode to, byte[] frame, FrameFate fate);

    /// <summary>A node did something, or something happened to it.</summary>
    /// <param name="node">The node.</param>
    /// <param name="what">What.</param>
    /// <param name="details">Keys, services, texts and so on that belong to it.</param>
    void HandleEffect(TestNode node, string what, params object[] details);
}
