using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Tests.Overlay.Machines;

public class KnownServicesTests
{
    private static readonly ServiceId A = ServiceId.FromName("a");
    private static readonly ServiceId B = ServiceId.FromName("b");

    [Fact]
    public void Peers_that_run_the_same_share_it_until_one_of_them_changes()
    {
        KnownServices first = Running(A);
        KnownServices second = Running(A);
        second.ShareWith(first);

        Assert.NotNull(second.Apply(new ServicesMessage(1, 2, [B], [A])));
        Assert.Equal([B], second.InOrder);
        Assert.Equal([A], first.InOrder);
        Assert.Equal((1ul, 2ul), (first.Version, second.Version));
    }

    [Fact]
    public void Peers_that_run_other_services_share_nothing()
    {
        KnownServices first = Running(A);
        KnownServices second = Running(B);
        second.ShareWith(first);
        Assert.Equal([B], second.InOrder);
        Assert.Equal([A], first.InOrder);
    }

    private static KnownServices Running(ServiceId service)
    {
        var known = new KnownServices();
        known.Apply(new ServicesMessage(0, 1, [service], []));
        return known;
    }
}
