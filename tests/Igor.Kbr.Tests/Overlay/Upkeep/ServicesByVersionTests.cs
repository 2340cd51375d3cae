using CsCheck;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Overlay.Rings;
using Igor.Kbr.Tests.Wire.Messages;
using Igor.Kbr.Wire;
using Igor.Kbr.Wire.Messages;

namespace Igor.Kbr.Tests.Overlay.Upkeep;

public class ServicesByVersionTests
{
    [Fact]
    public void Whoever_hears_some_of_the_changes_knows_in_the_end_what_runs() =>
        Gen.Select(Gen.Int[0, 9], Gen.Bool, Gen.Bool).Array[0, 60].Sample(steps =>
        {
            var own = new OwnServices();
            var known = new KnownServices();
            var expected = new HashSet<ServiceId>();
            foreach ((int number, bool isRunning, bool isHeard) in steps)
            {
                own.Set(Service(number), isRunning);
                if (isHeard)
                {
                    List<ServiceId>? changed = known.Apply(own.Since(known.Version));
                    expected.SymmetricExceptWith(changed ?? []);
                }
            }

            expected.SymmetricExceptWith(known.Apply(own.Since(known.Version)) ?? []);
            Assert.Equal(own.Version, known.Version);
            Assert.Equal(own.All, known.InOrder);
            Assert.True(expected.SetEquals(known.InOrder));
        });

    [Fact]
    public void Change_is_told_as_a_difference()
    {
        var own = new OwnServices();
        own.Set(Service(1), true);
        own.Set(Service(2), true);
        ulong version = own.Version;
        own.Set(Service(3), true);
        own.Set(Service(1), false);

        ServicesMessage change = own.Since(version);
        Assert.Equal((version, own.Version), (change.From, change.To));
        Assert.Equal(Service(3), Assert.Single(change.Added));
        Assert.Equal(Service(1), Assert.Single(change.Removed));
    }

    [Fact]
    public void Change_that_does_not_follow_on_what_is_known_is_not_taken()
    {
        var own = new OwnServices();
        var known = new KnownServices();
        known.Apply(own.Since(0));
        own.Set(Service(1), true);
        ulong missed = own.Version;
        own.Set(Service(2), true);

        Assert.Null(known.Apply(own.Since(missed)));
        Assert.Equal(2, known.Apply(own.Since(known.Version))!.Count);
    }

    [Fact]
    public void Change_that_is_older_than_what_is_known_changes_nothing()
    {
        var own = new OwnServices();
        var known = new KnownServices();
        ulong first = own.Version;
        own.Set(Service(1), true);
        ServicesMessage old = own.Since(first);
        own.Set(Service(1), false);
        known.Apply(own.Since(0));

        Assert.Null(known.Apply(old));
        Assert.False(known.Contains(Service(1)));
    }

    [Fact]
    public void List_that_is_older_than_what_is_known_changes_nothing()
    {
        var own = new OwnServices();
        var known = new KnownServices();
        ServicesMessage old = own.Since(0);
        own.Set(Service(1), true);
        known.Apply(own.Since(0));

        Assert.Null(known.Apply(old)); // it waited on another link
        Assert.True(known.Contains(Service(1)));
    }

    [Fact]
    public void Version_from_before_what_is_remembered_gets_the_list_from_its_beginning()
    {
        var own = new OwnServices();
        own.Set(Service(-1), true);
        ulong version = own.Version;
        for (int i = 0; i <= OwnServices.StoppedMax; i++)
        {
            own.Set(Service(i), true);
            own.Set(Service(i), false);
        }

        Assert.False(own.Since(version + OwnServices.StoppedMax).IsWhole); // half as many stopped since
        Assert.True(own.Since(version).IsWhole);
        Assert.True(own.Since(own.Version + 7).IsWhole); // of an earlier run of this node
    }

    [Fact]
    public void List_of_any_length_goes_in_frames_that_each_node_takes()
    {
        var own = new OwnServices();
        var known = new KnownServices();
        for (int i = 0; i < WireLimits.ServicesMax; i++)
        {
            own.Set(Service(i), true);
        }

        int parts = 0;
        while (known.Version != own.Version)
        {
            ServicesMessage part = own.Since(known.Version);
            Assert.InRange(MessageBytes.Of(part).Length, 1, WireLimits.FrameBytesLeast);
            Assert.NotNull(known.Apply(part));
            Assert.InRange(++parts, 1, 65);
            if (parts == 3)
            {
                own.Set(Service(0), false); // told, and changed before the end
            }
        }

        Assert.Equal(own.All, known.InOrder);
    }

    [Fact]
    public void List_that_begins_before_what_is_forgotten_comes_to_its_end()
    {
        var own = new OwnServices();
        var (early, late) = (new KnownServices(), new KnownServices());
        for (int i = 0; i < 80; i++)
        {
            own.Set(Service(-i), true);
        }

        early.Apply(own.Since(0)); // the first part, and the rest when much is forgotten
        for (int i = 1; i <= 4 * OwnServices.StoppedMax; i++)
        {
            own.Set(Service(i), true);
            own.Set(Service(i), false);
        }

        own.Set(Service(-7), false);
        for (int parts = 0; early.Version != own.Version || late.Version != own.Version; parts++)
        {
            Assert.InRange(parts, 0, 9);
            early.Apply(own.Since(early.Version));
            late.Apply(own.Since(late.Version));
        }

        Assert.Equal(79, own.Count);
        Assert.Equal(own.All, early.InOrder);
        Assert.Equal(own.All, late.InOrder);
    }

    [Fact]
    public void Services_beyond_what_a_peer_accepts_are_not_told()
    {
        var own = new OwnServices();
        for (int i = 0; i < WireLimits.ServicesMax; i++)
        {
            Assert.True(own.Set(new ServiceId((UInt128)i), true));
        }

        Assert.False(own.Set(new ServiceId(WireLimits.ServicesMax), true));
        Assert.Equal(WireLimits.ServicesMax, own.All.Length);
    }

    [Fact]
    public void Peer_that_names_more_services_than_it_may_is_known_to_run_so_many()
    {
        var known = new KnownServices();
        for (ulong version = 0; version < 100; version++)
        {
            ServiceId[] more =
                [.. Enumerable.Range(0, 60).Select(i => new ServiceId((version * 60) + (ulong)i))];
            known.Apply(new ServicesMessage(version, version + 1, [.. more, .. more[..4]], []));
        }

        Assert.Equal(WireLimits.ServicesMax, known.InOrder.Count());
        known.Apply(new ServicesMessage(100, 101, [new ServiceId(9_000)], [new ServiceId(7)]));
        Assert.Equal(WireLimits.ServicesMax, known.InOrder.Distinct().Count());
        Assert.True(known.Contains(new ServiceId(9_000)));
    }

    [Fact]
    public void Another_list_takes_the_place_of_a_long_one_little_by_little()
    {
        (OwnServices before, OwnServices own) = (new OwnServices(), new OwnServices());
        var known = new KnownServices();
        for (int i = 0; i < 300; i++)
        {
            before.Set(Service(i), true);
            own.Set(Service(i + 100), true);
        }

        while (known.Version != before.Version)
        {
            known.Apply(before.Since(known.Version));
        }

        own.Set(Service(1000), true);
        known.Apply(own.Since(0)); // it is of another run
        for (int parts = 0; known.Version != own.Version; parts++)
        {
            Assert.InRange(parts, 0, 20);
            List<ServiceId> changed = known.Apply(own.Since(known.Version))!;
            Assert.InRange(changed.Count, 1, ServicesMessage.ChangesMax);
        }

        Assert.Equal(own.All, known.InOrder);
    }

    private static ServiceId Service(int number) => ServiceId.FromName($"s{number}");
}
