using Igor.Dht.Protocol.Messages;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Tests.Harness;

/// <summary>What an operator of a <see cref="DhtCluster"/> says of members that are dead.</summary>
internal static class Operating
{
    /// <summary>Says that a member is dead for good, or asks what that would mean.</summary>
    public static ForgetResult Forget(
        this DhtCluster cluster, Key member, bool isMeant = true, DhtClusterNode? via = null)
    {
        var buffer = new PayloadBuffer();
        new ForgetMessage(member, isMeant).Write(buffer);
        byte[]? answer = null;
        DhtClusterNode root = via is null ? cluster.RootOf(member) : cluster.Route(via, member);
        root.Deliver(member, Key.Max, buffer.Written.ToArray(), a => answer = a, isProven: false);
        root.Schedule();
        cluster.RunUntil(() => answer is not null, 10);
        return ForgetMessage.TryDecode(answer)
            ?? throw new InvalidOperationException($"no answer to the word about {member.ToShortString()}");
    }
}
