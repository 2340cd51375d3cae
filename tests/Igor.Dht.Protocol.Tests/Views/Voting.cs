using Igor.Dht.Protocol.Ring;
using Igor.Dht.Protocol.Views;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Tests.Views;

/// <summary>Voters, keys and pieces that tests of views are written with.</summary>
internal static class Voting
{
    public static readonly KeySpan Whole = new(Key.Zero, Key.Max);
    public static readonly Lineage Line = new(7, 7);
    public static readonly Voter A = VoterAt(1);
    public static readonly Voter B = VoterAt(2);
    public static readonly Voter C = VoterAt(3);
    public static readonly Voter D = VoterAt(4);
    public static readonly Voter E = VoterAt(5);
    public static readonly View Abc = new(Line, 1, [A, B, C]);

    public static Ballot BallotOf(ulong counter, Voter proposer) => new(counter, proposer);

    public static TimeSpan Ms(double ms) => TimeSpan.FromMilliseconds(ms);

    /// <summary>A piece of the first view that stands with somebody.</summary>
    public static Piece Standing(Ballot standing, Ballot promised, NextView? next = null) =>
        new(Abc, promised, standing, 1, next);

    public static Register RegisterOf(Ballot ballot, ulong sequence, byte value = 0) =>
        new(new RegisterVersion(ballot, sequence), new[] { value }, false, []);

    private static Voter VoterAt(ulong index) => new(new Key(index << 60, 0, 0, 0), 1);
}
