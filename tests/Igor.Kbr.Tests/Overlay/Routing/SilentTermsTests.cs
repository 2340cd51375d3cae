using Igor.Kbr.Overlay.Machines;

namespace Igor.Kbr.Tests.Overlay.Routing;

/// <summary>For how long members that drop requests are left out, where many do.</summary>
public class SilentTermsTests
{
    private const string Service = "test";
    private static readonly ServiceId TestService = ServiceId.FromName(Service);

    [Fact]
    public void More_members_may_lose_their_places_than_terms_are_remembered()
    {
        const int Count = 260;
        var node = new LoneNode(Id(100), new OverlayOptions { LinksMax = 1000 });
        node.Join(Service);
        for (int i = 0; i < Count; i++)
        {
            node.Connect(Id(1000 + (ulong)i), Service);
            node.Overlay.Request(
                node.Now,
                new RequestId(i),
                TestService,
                Id(1000 + (ulong)i),
                new byte[1],
                new RequestOptions(TimeSpan.FromMinutes(10), Exact: true));
        }

        for (int i = 0; i < 40; i++)
        {
            PlayAll(answersQueries: false);
        }

        Assert.Equal(Count, node.Events.Count(e => e.Kind == OverlayEventKind.PeerSilent));
        for (int i = 0; i < 300; i++)
        {
            PlayAll(answersQueries: true);
        }

        Assert.DoesNotContain(node.Overlay.Troubles, t => t.Kind == TroubleKinds.SilentMember);

        void PlayAll(bool answersQueries)
        {
            node.Sent.Clear();
            node.Run(TimeSpan.FromSeconds(0.5));
            foreach ((LinkId to, byte[] frame) in node.Sent.ToArray())
            {
                node.AnswerQuestion(to, frame, isHeld: false, answersQueries);
            }
        }
    }

    private static Key Id(ulong value) => new(0, 0, 0, value);
}
