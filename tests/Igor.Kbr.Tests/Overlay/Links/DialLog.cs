using System.Buffers;
using System.Collections.Immutable;
using Igor.Kbr.Overlay.Machines;

namespace Igor.Kbr.Tests.Overlay.Links;

/// <summary>Notes what is dialled.</summary>
internal sealed class DialLog : IOverlayOutput
{
    public List<(DialId Dial, string Address)> Dials { get; } = [];

    public List<ImmutableArray<string>> Addresses { get; } = [];

    public Key? Expected { get; private set; }

    public void Dial(DialId dial, Key? expected, ImmutableArray<string> addresses)
    {
        Dials.Add((dial, addresses[0]));
        Addresses.Add(addresses);
        Expected = expected;
    }

    public bool Send(LinkId link, ReadOnlySpan<byte> header, ReadOnlySpan<byte> payload) => true;

    public void Close(LinkId link)
    {
    }

    public void SetStanding(LinkId link, PeerStanding standing)
    {
    }

    public void Deliver(ServiceId service, in KbrDelivery delivery)
    {
    }

    public void Forward(ServiceId service, long parked, in KbrForward message)
    {
    }

    public void CompleteRequest(RequestId request, in KbrReply reply)
    {
    }

    public void UpdateNeighbours(ServiceId service, NeighbourChange change)
    {
    }

    public ArrayBufferWriter<byte> Scratch { get; } = new();

    public bool WantsEvents => true;

    public void Raise(OverlayEvent overlayEvent)
    {
    }
}
