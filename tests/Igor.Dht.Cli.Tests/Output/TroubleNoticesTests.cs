using Igor.Dht.Cli.Output;
using Igor.Kbr;

namespace Igor.Dht.Cli.Tests;

/// <summary>What serve says of troubles, and when.</summary>
public class TroubleNoticesTests
{
    private static readonly Trouble s_disk = new(TroubleKinds.Disk, "the disk is full");
    private static readonly Trouble s_daemon = new(TroubleKinds.Daemon, "the daemon is away");
    private readonly TroubleNotices _notices = new();

    [Fact]
    public void Trouble_is_told_when_it_comes_and_when_it_is_over()
    {
        Assert.Equal(["the disk is full"], _notices.See([s_disk]));
        Assert.Empty(_notices.See([s_disk]));
        Assert.Equal(["no trouble any more: disk"], _notices.See([]));
        Assert.Equal(["the disk is full"], _notices.See([s_disk]));
    }

    [Fact]
    public void Trouble_out_of_sight_is_not_over()
    {
        _notices.See([s_disk]);
        Assert.Equal(["the daemon is away"], _notices.LoseSight(s_daemon));
        Assert.Empty(_notices.LoseSight(s_daemon));
        Assert.Equal(["no trouble any more: daemon"], _notices.See([s_disk]));
    }

    [Fact]
    public void Trouble_with_another_text_is_told_again_but_not_with_each_look()
    {
        _notices.See([s_disk]);
        var told = new List<string>();
        for (int look = 0; look < 100; look++)
        {
            told.AddRange(_notices.See([s_disk with { Text = $"{look} writes failed" }]));
        }

        Assert.Equal(10, told.Count);
    }
}
