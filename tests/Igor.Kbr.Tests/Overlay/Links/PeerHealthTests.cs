using Igor.Kbr.Overlay.Links;

namespace Igor.Kbr.Tests.Overlay.Links;

public class PeerHealthTests
{
    private static readonly HealthLimits Adjacent = new(
        Quiet: TimeSpan.FromSeconds(5), Answer: TimeSpan.FromSeconds(4), Telling: TimeSpan.FromSeconds(1));

    private static readonly HealthLimits Distant = Adjacent with
    {
        Quiet = TimeSpan.FromSeconds(60),
        Telling = null,
    };

    private readonly PeerHealth _health = new();

    [Fact]
    public void Peer_that_is_heard_in_time_is_left_alone()
    {
        Assert.Equal(HealthStep.None, _health.Step(At(4.9), Adjacent));
        _health.Hear(At(4.9));
        Assert.Equal(HealthStep.None, _health.Step(At(9.8), Adjacent));
        Assert.Equal(At(9.9), _health.DueAt(Adjacent));
    }

    [Fact]
    public void Quiet_peer_is_asked_then_told_of_then_buried()
    {
        Assert.Equal(HealthStep.Ask, _health.Step(At(5), Adjacent));
        Assert.Equal(At(6), _health.DueAt(Adjacent));
        Assert.Equal(HealthStep.Tell, _health.Step(At(6), Adjacent));
        Assert.Equal(HealthStep.None, _health.Step(At(8.9), Adjacent));
        Assert.Equal(At(9), _health.DueAt(Adjacent));
        Assert.Equal(HealthStep.Bury, _health.Step(At(9), Adjacent));
    }

    [Fact]
    public void Any_frame_takes_a_peer_back_to_life()
    {
        _health.Step(At(5), Adjacent);
        _health.Step(At(6), Adjacent);
        _health.Hear(At(8));
        Assert.Null(_health.AskedAt);
        Assert.Equal(HealthStep.None, _health.Step(At(12.9), Adjacent));
        Assert.Equal(HealthStep.Ask, _health.Step(At(13), Adjacent));
        Assert.Equal(HealthStep.Tell, _health.Step(At(14), Adjacent));
    }

    [Fact]
    public void Distant_peer_is_asked_seldom_and_nobody_told()
    {
        Assert.Equal(HealthStep.None, _health.Step(At(59), Distant));
        Assert.Equal(HealthStep.Ask, _health.Step(At(60), Distant));
        Assert.Equal(HealthStep.None, _health.Step(At(63), Distant));
        Assert.Equal(HealthStep.Bury, _health.Step(At(64), Distant));
    }

    [Fact]
    public void Peer_in_doubt_is_asked_once_and_answers_within_the_time_given()
    {
        Assert.True(_health.TryAsk(At(1), Distant with { Answer = TimeSpan.FromSeconds(3) }));
        Assert.False(_health.TryAsk(At(2)));
        Assert.Equal(HealthStep.None, _health.Step(At(3.9), Distant));
        Assert.Equal(HealthStep.Bury, _health.Step(At(4), Distant));
    }

    [Fact]
    public void Peer_that_becomes_adjacent_has_the_limits_of_one()
    {
        _health.Hear(At(10));
        Assert.Equal(At(70), _health.DueAt(Distant));
        Assert.Equal(HealthStep.Ask, _health.Step(At(16), Adjacent));
    }

    private static TimeSpan At(double seconds) => TimeSpan.FromSeconds(seconds);
}
