using Igor.Dht.Protocol.Tests.Views.Exploring;

namespace Igor.Dht.Protocol.Tests.Views;

public class ExplorationTests
{
    private static readonly TimeSpan s_faulty = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan s_quiet = TimeSpan.FromSeconds(6);

    [Fact]
    public void Registers_are_linearizable_under_each_schedule()
    {
        int served = 0;
        for (ulong seed = 1; seed <= 60; seed++)
        {
            var explorer = new ViewExplorer(seed);
            string? violation = explorer.Run(s_faulty, s_quiet);
            Assert.True(violation is null, $"seed {seed}: {violation}\n{explorer.Trace}");
            served += explorer.EndedWhenQuiet > 0 ? 1 : 0;
        }

        // In some schedules what is left has no majority, or nothing readable; in most all is well again.
        Assert.InRange(served, 55, 60);
    }

    // The seeds are the first that caught the mutant.
    [Theory]
    [InlineData(Mutant.IgnoreStanding, 5)]
    [InlineData(Mutant.OldMajorityOnly, 30)]
    [InlineData(Mutant.ReuseBallot, 3)]
    [InlineData(Mutant.ForgetIncarnation, 26)]
    [InlineData(Mutant.MergeInsteadOfReplace, 2)]
    [InlineData(Mutant.LeaseFromReceipt, 355)]
    [InlineData(Mutant.SkipSync, 86)]
    [InlineData(Mutant.AnswerUncommitted, 2)]
    [InlineData(Mutant.LeaseWithoutMajority, 5)]
    public void Broken_rule_is_caught(Mutant mutant, ulong seed)
    {
        Assert.NotNull(new ViewExplorer(seed, mutant).Run(s_faulty, s_quiet));
    }
}
