using Igor.Kbr.Overlay.Links;

namespace Igor.Kbr.Tests.Overlay.Links;

public class ReachLogTests
{
    [Fact]
    public void What_is_not_tried_any_more_makes_room_for_what_is()
    {
        var log = new ReachLog();
        for (int at = 0; at < 2000; at++)
        {
            string address = $"host{at}:1";
            log.Note(address, $"cause {at}", tried => tried == address);
            Assert.Equal($"cause {at} at {address}", log.Describe([address]));
        }
    }
}
