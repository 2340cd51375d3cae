using Igor.Kbr.Hosting;

namespace Igor.Kbr.Tests.Hosting;

public class ApplicationTableTests
{
    private static readonly ServiceId Ours = ServiceId.FromName("ours");
    private readonly TableWorld _world = new();

    private ApplicationTable<TableWorld.Handle> Table => _world.Table;

    [Fact]
    public void Member_gets_deliveries_of_its_service_only_and_answers_through_its_handle()
    {
        var delivered = new List<string>();
        var application = new TableWorld.Application
        {
            Delivers = delivery =>
            {
                delivered.Add(delivery.Service.Name);
                delivery.Service.Reply(delivery.Token, default);
            },
        };
        TableWorld.Handle client = _world.Attach("ours", ServiceRole.Client);
        _world.Attach("ours", ServiceRole.Member, application);
        _world.Attach("theirs", ServiceRole.Member, application);

        _world.Request(client, Key.Zero, "asked", heldBytes: 7);
        Assert.Equal(1, Table.OpenRequests);
        _world.Run();

        Assert.Equal(["ours"], delivered);
        Assert.Equal(["ours ended Ok 7", "asked Ok"], _world.Log);
        Assert.Equal(0, Table.OpenRequests);
    }

    [Fact]
    public void Delivery_that_throws_is_told_to_the_host_and_fails_its_request()
    {
        TableWorld.Handle member = _world.Attach("ours", ServiceRole.Member, new TableWorld.Application
        {
            Delivers = _ => throw new NotSupportedException(),
        });

        _world.Request(member, Key.Zero, "asked");
        Assert.Equal(["ours threw in Deliver"], _world.Log);
        _world.Run();

        Assert.Equal("asked Failed the application threw NotSupportedException", _world.Log[^1]);
        Assert.Equal(KbrStatus.Ok, member.Route(Key.Zero, default));
        _world.Run();
        Assert.Equal(2, _world.Log.Count(line => line == "ours threw in Deliver"));
    }

    [Fact]
    public void Second_member_of_a_service_is_refused_and_the_first_keeps_its_place()
    {
        TableWorld.Handle member = _world.Attach("ours", ServiceRole.Member);

        Assert.Throws<KbrException>(() => _world.Attach("ours", ServiceRole.Member));
        Assert.Same(member, Table.MemberOf(Ours));
        _world.Detach(member);
        Assert.Null(Table.MemberOf(Ours));
        _world.Attach("ours", ServiceRole.Member);
        Assert.True(Table.Runs(Ours, ServiceRole.Member));
    }

    [Fact]
    public void Members_of_too_many_services_are_refused_and_one_that_goes_makes_room()
    {
        TableWorld.Handle Member(int number) => new(
            _world,
            new SubscribeOptions { Service = $"service {number}", Role = ServiceRole.Member },
            new TableWorld.Application());

        TableWorld.Handle first = Member(0);
        Table.Attach(first);
        for (int i = 1; i < ApplicationTable<TableWorld.Handle>.MembersMax; i++)
        {
            Table.Attach(Member(i));
        }

        TableWorld.Handle last = Member(-1);
        KbrException refusal = Assert.Throws<KbrException>(() => Table.Attach(last));
        Assert.Contains("as a client", refusal.Message, StringComparison.Ordinal);
        Table.Detach(first);
        Table.Attach(last);
        Assert.DoesNotContain(first, Table.All);
    }

    [Fact]
    public void Detached_application_hears_Closed_of_its_requests_oldest_first_and_of_later_ones()
    {
        TableWorld.Handle member = _world.Attach("ours", ServiceRole.Member); // it never answers
        TableWorld.Handle client = _world.Attach("ours", ServiceRole.Client);
        for (int i = 0; i < 3; i++)
        {
            _world.Request(client, Key.Zero, $"asked {i}", heldBytes: i);
        }

        _world.Detach(client);
        _world.Request(client, Key.Zero, "late");
        Table.Refuse(client, reply => _world.Log.Add($"refused {reply.Status}"));

        Assert.Equal(
            [
                "ours ended Closed 0", "asked 0 Closed",
                "ours ended Closed 1", "asked 1 Closed",
                "ours ended Closed 2", "asked 2 Closed",
                "ours ended Closed 0", "late Closed",
                "ours ended Closed 0", "refused Closed",
            ],
            _world.Log);
        Assert.Equal(KbrStatus.Closed, client.Route(Key.Zero, default));
        Assert.False(Table.Detach(client));
        Assert.True(member.IsOpen);
    }

    [Fact]
    public void Request_of_a_detached_application_that_ends_later_is_not_told_again()
    {
        _world.Attach("ours", ServiceRole.Member);
        TableWorld.Handle client = _world.Attach("ours", ServiceRole.Client);
        _world.Request(client, Key.Zero, "asked");
        _world.Detach(client);
        int told = _world.Log.Count;

        for (int i = 0; i < 10; i++)
        {
            _world.Run();
        }

        Assert.Equal(told, _world.Log.Count);
    }

    [Fact]
    public void Callback_that_throws_is_told_to_the_host()
    {
        TableWorld.Handle member = _world.Attach("ours", ServiceRole.Member);
        Table.Refuse(member, _ => throw new NotSupportedException());
        Assert.Equal(["ours ended Overloaded 0", "ours threw in the callback of a request"], _world.Log);
    }

    [Fact]
    public void Change_is_shown_in_every_handle_before_its_upcall_whoever_throws()
    {
        var seen = new List<bool>();
        TableWorld.Handle client = _world.Attach("ours", ServiceRole.Client, new TableWorld.Application
        {
            Updates = _ => throw new NotSupportedException(),
        });
        TableWorld.Handle other = _world.Attach("ours", ServiceRole.Client, new TableWorld.Application
        {
            Updates = change => seen.Add(change.Service.Neighbours.IsMember),
        });
        _world.Attach("ours", ServiceRole.Member);

        Assert.Contains("ours threw in Update", _world.Log);
        Assert.Equal([true], seen);
        Assert.True(client.Neighbours.IsMember && other.Neighbours.IsMember);
    }

    [Fact]
    public void Application_that_another_ones_upcall_detached_hears_of_no_change()
    {
        TableWorld.Handle? other = null;
        bool isTold = false;
        _world.Attach("ours", ServiceRole.Client, new TableWorld.Application
        {
            Updates = _ => Table.Detach(other!),
        });
        other = _world.Attach("ours", ServiceRole.Client, new TableWorld.Application
        {
            Updates = _ => isTold = true,
        });

        Table.Update(Ours, new NeighbourChange(NeighbourSet.Alone(Key.Zero, isMember: true), [], []));

        Assert.False(isTold);
    }

    [Fact]
    public void Passing_message_is_decided_by_the_member_that_wants_it_and_goes_on_when_it_throws()
    {
        var message = new KbrForward(Key.Zero, Key.Zero, Key.Zero, default);
        ForwardDecision? decided = null;
        void Ask() => Table.Forward(Ours, message, decision => decided = decision);
        var application = new TableWorld.Application { Forwards = _ => ForwardDecision.Stop };
        _world.Attach("ours", ServiceRole.Client, application, forwards: true);
        Ask();
        Assert.Equal(ForwardDecision.Continue, decided);

        _world.Attach("ours", ServiceRole.Member, application, forwards: true);
        Ask();
        Assert.Equal(ForwardDecision.Stop, decided);

        application.Forwards = _ => throw new NotSupportedException();
        Ask();
        Assert.Equal(ForwardDecision.Continue, decided);
        Assert.Equal(["ours threw in Forward"], _world.Log);
    }

    [Fact]
    public void Message_that_cannot_go_is_refused_before_it_is_queued()
    {
        TableWorld.Handle client = _world.Attach("ours", ServiceRole.Client);
        Assert.Equal(KbrStatus.Unreachable, client.Route(Key.Zero, default));
        _world.Attach("ours", ServiceRole.Member);
        Assert.Equal(KbrStatus.Ok, client.Route(Key.Zero, default));
        Assert.Equal(KbrStatus.TooLarge, client.Route(Key.Zero, new byte[2]));
        Table.Abandon();
        Assert.Equal(KbrStatus.Closed, client.Route(Key.Zero, default));
    }

    [Fact]
    public void Close_ends_every_request_once()
    {
        TableWorld.Handle first = _world.Attach("ours", ServiceRole.Member);
        TableWorld.Handle second = _world.Attach("ours", ServiceRole.Client);
        _world.Request(second, Key.Zero, "second");
        _world.Request(first, Key.Zero, "first");

        Table.Close();
        _world.Overlay.Leave(_world.Now);

        Assert.Equal(
            ["ours ended Closed 0", "first Closed", "ours ended Closed 0", "second Closed"], _world.Log);
        Assert.Empty(Table.All);
    }

    [Theory]
    [InlineData(-1, RequestOptions.TimeoutMsMax)]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(1.0e12, RequestOptions.TimeoutMsMax)]
    public void Timeout_is_bounded(double wantedMs, int timeoutMs)
    {
        var options = new RequestOptions(TimeSpan.FromMilliseconds(wantedMs), Exact: true);
        Assert.Equal(
            new RequestOptions(TimeSpan.FromMilliseconds(timeoutMs), Exact: true), options.Bounded());
    }

    [Fact]
    public void Services_are_listed_once_by_name()
    {
        _world.Attach("theirs", ServiceRole.Client);
        _world.Attach("ours", ServiceRole.Member);
        _world.Attach("ours", ServiceRole.Client);
        Assert.Equal(["ours", "theirs"], Table.Services.Select(service => service.Name));
        Assert.Equal([true, false], Table.Services.Select(service => service.Neighbours.IsMember));
    }
}
