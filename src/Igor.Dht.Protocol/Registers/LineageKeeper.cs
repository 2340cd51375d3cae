using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Views;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Registers;

/// <summary>
/// Says which lineages have voters in a cell, and has one of them take the place of another when somebody
/// says so: it is decided by the voters of the one that is kept, as any other view, and those of the other
/// hear of it from these.
/// </summary>
internal sealed class LineageKeeper(
    ReplicaContext context, VoterServer server, PieceDirectory directory, CoordinatorOffice office)
{
    /// <summary>Somebody asks, or says that a lineage is given up.</summary>
    public void Handle(DeliveryToken token, LineagesMessage message)
    {
        if (message.GivenUp != default && message.GivenUp != message.Kept
            && office.Find(RegisterCells.AnchorOf(message.Cell)) is { } reign
            && reign.Reign.View.Lineage == message.Kept)
        {
            reign.Replace(message.GivenUp);
        }

        LineagesMessage.Write(context.Buffer, Of(message.Cell));
        context.Reply(token);
    }

    private List<CellLineage> Of(int cell)
    {
        Key anchor = RegisterCells.AnchorOf(cell);
        Piece? own = server.Acceptor.Find(anchor);
        var pieces = directory.All(cell)
            .Select(other => (other.Told.Vote.Piece, IsLed: other.Told.Leadership == Leadership.Heard))
            .ToList();
        if (own is not null)
        {
            pieces.Add((own, office.Find(anchor) is not null));
        }

        var lineages = new List<CellLineage>();
        foreach (var lineage in pieces.GroupBy(piece => piece.Piece.View.Lineage)
            .Where(group => !pieces.Exists(piece => piece.Piece.View.DescendsFrom(group.Key)))
            .OrderBy(group => group.Key.ToString(), StringComparer.Ordinal))
        {
            int registers = own?.View.Lineage == lineage.Key
                ? server.Shelf.Within(RegisterCells.SpanOf(cell, cell)).Count()
                : -1;
            lineages.Add(new CellLineage(
                lineage.Key.ToString(),
                lineage.Max(piece => piece.Piece.Promised).Proposer.Node,
                lineage.Any(piece => piece.IsLed),
                registers));
        }

        return lineages;
    }
}
