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
        byte[] message = new ForgetMessage(member, isMeant).Encode().ToArray();
        for (int attempt = 0; attempt < 50; attempt++)
        {
            byte[]? answer = null;
            DhtClusterNode root = via is null ? cluster.RootOf(member) : cluster.Route(via, member);
            root.Deliver(member, Key.Max, message, a => answer = a, isProven: false);
            root.Schedule();
            cluster.RunUntil(() => answer is not null, 10);
            if (ForgetMessage.TryDecode(answer) is { } result)
            {
                return result;
            }

            cluster.Run(0.1); // the ring is changing
        }

        throw new InvalidOperationException($"no answer to the word about {member.ToShortString()}");
    }
}
