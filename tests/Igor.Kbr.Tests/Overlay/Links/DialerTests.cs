using System.Collections.Immutable;
using Igor.Kbr.Overlay.Addresses;
using Igor.Kbr.Overlay.Links;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Tests.Overlay.Links;

public class DialerTests
{
    private readonly DialLog _log = new();
    private readonly Dialer _dialer;

    public DialerTests()
    {
        var context = new NodeContext(Key.Zero, new OverlayOptions(), _log, 1);
        _dialer = new Dialer(context, new OpenLinks(context));
    }

    [Fact]
    public void An_address_is_dialled_once_at_a_time()
    {
        Assert.True(Dial("a:1"));
        Assert.False(Dial("a:1"));
        Assert.Single(_log.Dials);
    }

    [Fact]
    public void A_node_is_dialled_at_one_address_at_a_time()
    {
        var contact = new Contact(new Key(0, 0, 0, 1), ["a:1", "b:1"]);
        Assert.True(_dialer.TryDial(TimeSpan.Zero, contact, LinkPurpose.Neighbour, null));
        Assert.False(_dialer.TryDial(TimeSpan.Zero, contact, LinkPurpose.Neighbour, null));
        Assert.Single(_log.Dials);
    }

    [Fact]
    public void No_more_than_sixteen_are_under_way_and_the_rest_follows()
    {
        for (int i = 0; i < 20; i++)
        {
            Assert.True(Dial($"a:{i}"));
        }

        Assert.Equal(16, _log.Dials.Count);
        _dialer.HandleOpened(TimeSpan.Zero, _log.Dials[0].Dial, Key.Max);
        Assert.Equal(17, _log.Dials.Count);
    }

    [Fact]
    public void Given_addresses_wait_for_none_of_the_others_and_take_nobodys_place()
    {
        for (int i = 0; i < 64; i++)
        {
            Assert.True(Give($"early:{i}"));
        }

        for (int i = 0; i < 500; i++)
        {
            Dial($"a:{i}");
        }

        Assert.Equal(64 + 16, _log.Dials.Count);
        Assert.True(Give("late:1"));
        Assert.Equal("late:1", _log.Dials[^1].Address);
    }

    [Fact]
    public void A_failed_address_rests_for_a_growing_while()
    {
        TimeSpan now = TimeSpan.Zero;
        TimeSpan last = TimeSpan.Zero;
        for (int i = 0; i < 5; i++)
        {
            Assert.True(Dial("a:1", now));
            _dialer.HandleFailed(now, _log.Dials[^1].Dial, "refused");
            TimeSpan rest = TimeSpan.Zero;
            while (!Dial("a:1", now + rest))
            {
                rest += TimeSpan.FromMilliseconds(50);
            }

            _dialer.HandleOpened(now, _log.Dials[^1].Dial, Key.Max);
            _dialer.HandleUp("a:1");
            Assert.True(rest > TimeSpan.FromMilliseconds(300));
            last = rest;
            now += rest;
        }

        Assert.True(last < TimeSpan.FromSeconds(1), "a success in between starts anew");
    }

    [Fact]
    public void An_address_whose_node_refuses_this_one_each_time_rests_for_a_growing_while()
    {
        TimeSpan now = TimeSpan.Zero;
        for (int i = 0; i < 6; i++)
        {
            Assert.True(Dial("a:1", now));
            _dialer.HandleOpened(now, _log.Dials[^1].Dial, Key.Max);
            _dialer.NoteFailure(now, "a:1", "refused");
            now += TimeSpan.FromMinutes(1);
        }

        Assert.False(Dial("a:1", now - TimeSpan.FromMinutes(1) + TimeSpan.FromSeconds(5)));
    }

    [Fact]
    public void An_address_where_another_node_answers_rests_like_one_that_failed()
    {
        var contact = new Contact(new Key(0, 0, 0, 1), ["a:1"]);
        Assert.True(_dialer.TryDial(TimeSpan.Zero, contact, LinkPurpose.Neighbour, null));
        _dialer.HandleOpened(TimeSpan.Zero, _log.Dials[0].Dial, new Key(0, 0, 0, 2));
        Assert.False(Dial("a:1"));
    }

    [Fact]
    public void Addresses_that_led_nowhere_are_told_with_their_causes_the_same_ones_together()
    {
        foreach (int i in Enumerable.Range(1, 5))
        {
            _dialer.NoteFailure(TimeSpan.Zero, $"10.0.0.{i}:1", "refused");
        }

        _dialer.NoteFailure(TimeSpan.Zero, "10.0.0.6:1", "refused");
        _dialer.NoteFailure(TimeSpan.Zero, "10.0.0.6:1", "no route");
        _dialer.HandleUp("10.0.0.1:1");
        Assert.Equal(
            "no answer at 10.0.0.1:1; refused at 10.0.0.2:1, 10.0.0.3:1, 10.0.0.4:1 and 1 more; "
            + "no route at 10.0.0.6:1",
            _dialer.WhyNowhere(Enumerable.Range(1, 6).Select(i => $"10.0.0.{i}:1")));
    }

    [Fact]
    public void An_address_that_led_to_this_node_itself_is_tried_again()
    {
        _dialer.NoteFailure(TimeSpan.Zero, "seeds.example:1", "itself", isOwn: true);
        Assert.False(Dial("seeds.example:1"));
        Assert.True(Dial("seeds.example:1", TimeSpan.FromSeconds(1)));
    }

    [Fact]
    public void An_address_that_leads_to_this_node_itself_each_time_costs_a_connection_in_minutes()
    {
        int dials = 0;
        for (TimeSpan now = TimeSpan.Zero; now < TimeSpan.FromHours(1); now += TimeSpan.FromSeconds(1))
        {
            var wish = new Dialer.Wish(["seeds.example:1"], null, LinkPurpose.Entry, IsSeeking: true);
            if (_dialer.TryDial(now, wish))
            {
                dials++;
                _dialer.HandleOpened(now, _log.Dials[^1].Dial, Key.Zero);
                _dialer.NoteFailure(now, "seeds.example:1", "itself", isOwn: true);
            }
        }

        Assert.InRange(dials, 10, 40);
    }

    [Fact]
    public void Who_reaches_nobody_tries_a_dead_address_again_within_a_second_or_so()
    {
        TimeSpan now = TimeSpan.Zero;
        for (int i = 0; i < 10; i++)
        {
            _dialer.NoteFailure(now, "a:1", "refused");
        }

        now += TimeSpan.FromSeconds(1.2);
        Assert.False(Dial("a:1", now));
        Assert.True(_dialer.TryDial(now, new Dialer.Wish(["a:1"], null, LinkPurpose.Entry, IsSeeking: true)));
    }

    [Fact]
    public void Wishes_beyond_the_queue_are_dropped()
    {
        int taken = Enumerable.Range(0, 1000).Count(i => Dial($"a:{i}"));
        Assert.Equal(16 + 256, taken);
    }

    [Fact]
    public void A_peer_that_tells_of_many_nodes_does_not_keep_others_from_telling()
    {
        int taken = Enumerable.Range(0, 1000).Count(i => Tell(Host(i), teller: 1));
        Assert.Equal(16, taken);
        Assert.True(Tell("192.0.2.1:1", teller: 2));
        for (int i = 0; i < 5; i++)
        {
            _dialer.HandleFailed(TimeSpan.Zero, _log.Dials[i].Dial, "refused");
            Tell(Host(2000 + i), teller: 1);
        }

        Assert.Contains(_log.Dials, d => d.Address == "192.0.2.1:1");
    }

    [Fact]
    public void What_peers_tell_leaves_room_for_what_the_node_looks_for_itself()
    {
        for (int i = 0; i < 1000; i++)
        {
            Tell(Host(i), teller: (ulong)i);
        }

        Assert.True(Dial("b:1"));
        Assert.Equal("b:1", _log.Dials[^1].Address);
        Assert.Equal(13, _log.Dials.Count);
    }

    [Theory]
    [InlineData(false, false, 2)]
    [InlineData(true, false, 64)]
    [InlineData(true, true, 64)]
    public void What_a_peer_tells_that_is_wrong_uses_up_its_budget(bool isTrusted, bool wasAsked, int most)
    {
        for (int i = 0; i < 1000; i++)
        {
            Tell(Host(i), 1, TimeSpan.Zero, isTrusted, wasAsked);
            FailAll(TimeSpan.Zero);
        }

        Assert.Equal(most, _log.Dials.Count);
        Assert.Equal(1000 - most, _dialer.RefusedTold);
        Assert.True(Tell(Host(2000), 2, TimeSpan.Zero, isTrusted, wasAsked));
        FailAll(TimeSpan.Zero);
        Assert.True(Tell(Host(2001), 1, TimeSpan.FromMinutes(5), isTrusted, wasAsked));
    }

    [Fact]
    public void What_a_peer_tells_that_is_right_costs_nothing()
    {
        for (int i = 0; i < 1000; i++)
        {
            Assert.True(Tell(Host(i), teller: 1));
            _dialer.HandleOpened(TimeSpan.Zero, _log.Dials[^1].Dial, Key.Max);
        }
    }

    [Fact]
    public void Addresses_of_a_node_are_one_dial_without_those_that_rest()
    {
        var node = new Contact(new Key(0, 0, 0, 1), ["a:1", "b:1", "c:1"]);
        _dialer.NoteFailure(TimeSpan.Zero, "b:1", "refused");
        Assert.True(_dialer.TryDial(TimeSpan.Zero, node, LinkPurpose.Neighbour, null));
        Assert.Equal("a:1 c:1", string.Join(' ', Assert.Single(_log.Addresses)));
        Assert.Equal(node.Id, _log.Expected);
        Assert.False(Dial("c:1"));
    }

    [Fact]
    public void Addresses_begun_before_the_one_that_works_rest_and_the_others_do_not()
    {
        var node = new Contact(Key.Max, ["a:1", "b:1", "c:1", "d:1"]);
        Assert.True(_dialer.TryDial(TimeSpan.Zero, node, LinkPurpose.Neighbour, null));
        Dialer.Wish wish = _dialer.HandleOpened(
            TimeSpan.Zero, _log.Dials[0].Dial, Key.Max, new DialProgress(Winner: 1, Later: 1));
        Assert.Equal("b:1", wish.Address);
        Assert.Equal([false, true, true, true], new[] { "a:1", "b:1", "c:1", "d:1" }.Select(at => Dial(at)));
    }

    [Fact]
    public void All_addresses_rest_when_none_works()
    {
        var node = new Contact(Key.Max, ["a:1", "b:1"]);
        Assert.True(_dialer.TryDial(TimeSpan.Zero, node, LinkPurpose.Neighbour, null));
        _dialer.HandleFailed(TimeSpan.Zero, _log.Dials[0].Dial, "refused");
        Assert.False(Dial("a:1") || Dial("b:1"));
    }

    [Fact]
    public void Addresses_that_were_begun_in_vain_cost_their_teller_its_budget_and_the_others_do_not()
    {
        int told = 0;
        while (told < 1000 && Tell([Host(2 * told), Host((2 * told) + 1)], teller: 1))
        {
            told++;
            _dialer.HandleOpened(TimeSpan.Zero, _log.Dials[^1].Dial, Key.Max, new DialProgress(Winner: 0));
        }

        Assert.Equal(1000, told);
        while (Tell([Host(2 * told), Host((2 * told) + 1)], teller: 1) && _log.Addresses[^1].Length == 2)
        {
            told++;
            _dialer.HandleOpened(TimeSpan.Zero, _log.Dials[^1].Dial, Key.Max, new DialProgress(Winner: 1));
        }

        Assert.Equal(1000 + 63, told); // the last token pays for one address only
    }

    [Fact]
    public void Many_tellers_together_do_not_make_the_node_hammer_one_host()
    {
        for (int i = 0; i < 10_000; i++)
        {
            Tell($"192.0.2.1:{i + 1}", (ulong)i);
            FailAll(TimeSpan.Zero);
        }

        Assert.Equal(64, _log.Dials.Count);
        Assert.True(Tell("192.0.2.2:1", teller: 1_000_000));
    }

    [Fact]
    public void Strangers_together_have_a_budget_too()
    {
        for (int i = 0; i < 10_000; i++)
        {
            Tell(Host(i), (ulong)i, TimeSpan.Zero, isTrusted: false);
            FailAll(TimeSpan.Zero);
        }

        Assert.Equal(16, _log.Dials.Count);
        Assert.True(Tell(Host(20_000), teller: 1_000_000));
    }

    private static string Host(int number) =>
        $"198.{18 + (number >> 16)}.{(number >> 8) & 255}.{number & 255}:1";

    private void FailAll(TimeSpan now)
    {
        if (!_dialer.IsIdle)
        {
            _dialer.HandleFailed(now, _log.Dials[^1].Dial, "refused");
        }
    }

    private bool Tell(
        string address, ulong teller, TimeSpan now = default, bool isTrusted = true, bool wasAsked = false) =>
        Tell([address], teller, now, isTrusted, wasAsked);

    private bool Tell(
        ImmutableArray<string> addresses,
        ulong teller,
        TimeSpan now = default,
        bool isTrusted = true,
        bool wasAsked = false) =>
        _dialer.TryDial(now, new Dialer.Wish(
            addresses,
            null,
            LinkPurpose.Neighbour,
            new Teller(new Key(1, 0, 0, teller), AddressRange.Public, isTrusted, wasAsked)));

    private bool Give(string address) =>
        _dialer.TryDial(TimeSpan.Zero, new Dialer.Wish([address], null, LinkPurpose.Entry, IsSeeking: true));

    private bool Dial(string address, TimeSpan now = default) =>
        _dialer.TryDial(now, new Dialer.Wish([address], null, LinkPurpose.Neighbour));
}
