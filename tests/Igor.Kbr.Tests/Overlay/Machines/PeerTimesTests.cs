using CsCheck;
using Igor.Kbr.Overlay.Machines;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Tests.Overlay.Machines;

public class PeerTimesTests
{
    private const int PeersMax = 12;
    private readonly PeerTable _peers = new();
    private readonly PeerTimes _times;

    public PeerTimesTests() => _times = new PeerTimes(_peers);

    [Fact]
    public void Each_peer_has_its_turn_once_when_its_time_has_come_the_earliest_first()
    {
        Peer[] all = [Add(1), Add(2), Add(3)];
        Assert.Null(_times.Earliest);
        _times[all[0]] = At(30);
        _times[all[1]] = At(10);
        _times[all[2]] = At(20);

        Assert.Equal(At(10), _times.Earliest);
        Assert.Null(_times.TakeDue(At(9)));
        Assert.Same(all[1], _times.TakeDue(At(20)));
        Assert.Same(all[2], _times.TakeDue(At(20)));
        Assert.Null(_times.TakeDue(At(20)));
        Assert.Equal(At(30), _times.Earliest);
    }

    [Fact]
    public void Turn_is_hastened_and_never_put_off()
    {
        Peer peer = Add(1);
        _times[peer] = At(10);
        _times.Hasten(peer, At(20));
        Assert.Equal(At(10), _times[peer]);
        _times.Hasten(peer, At(5));
        Assert.Equal(At(5), _times.Earliest);
    }

    [Fact]
    public void Peer_that_is_gone_has_no_turn_nor_leaves_one_to_the_next_in_its_slot()
    {
        Peer first = Add(1);
        _times[first] = At(10);
        _peers.Remove(first);
        _peers.Release(first);
        Assert.Null(_times.Earliest);

        Peer second = Add(2);
        Assert.Equal(TimeSpan.MaxValue, _times[second]);
        Assert.Null(_times.TakeDue(At(100)));
    }

    [Fact]
    public void Earliest_is_that_of_a_model_whatever_is_set_and_taken() =>
        Gen.Select(Gen.Int[0, PeersMax - 1], Gen.Int[0, 40], Gen.Bool).Array[0, 200].Sample(steps =>
        {
            var peers = new PeerTable();
            var times = new PeerTimes(peers);
            Peer[] all = [.. Enumerable.Range(1, PeersMax).Select(i => Make((ulong)i))];
            Array.ForEach(all, peers.Add);
            var model = new Dictionary<Peer, TimeSpan>();
            foreach ((int index, int second, bool isTaken) in steps)
            {
                if (!isTaken)
                {
                    times[all[index]] = At(second);
                    model[all[index]] = At(second);
                }
                else if (times.TakeDue(At(second)) is { } due)
                {
                    Assert.Equal(model.Values.Min(), model[due]);
                    Assert.True(model[due] <= At(second));
                    model.Remove(due);
                }
                else
                {
                    Assert.DoesNotContain(model.Values, at => at <= At(second));
                }

                Assert.Equal(model.Count == 0 ? null : model.Values.Min(), times.Earliest);
            }
        });

    private static TimeSpan At(int second) => TimeSpan.FromSeconds(second);

    private static Peer Make(ulong number)
    {
        var id = new Key(0, 0, 0, number);
        return new Peer(id, new Link(new LinkId((long)number), id, true, LinkPurpose.Neighbour, "a:1"));
    }

    private Peer Add(ulong number)
    {
        Peer peer = Make(number);
        _peers.Add(peer);
        return peer;
    }
}
