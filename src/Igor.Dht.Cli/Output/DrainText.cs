using Igor.Dht.Protocol;

namespace Igor.Dht.Cli.Output;

/// <summary>How far a node is that goes for good, for people and for programs.</summary>
internal static class DrainText
{
    /// <summary>It has gone.</summary>
    public static string Drained(DrainProgress end) =>
        $"drained: {end.Records} records are with others ({end.CopiesGiven} copies were given), and it votes "
        + "about no registers; stop the node (SIGTERM). Its store is left as it is: started again, it is an "
        + "ordinary member";

    /// <summary>It stays.</summary>
    public static string Failed(DrainProgress end, TimeSpan within)
    {
        string time = within < TimeSpan.FromMinutes(2)
            ? $"{within.TotalSeconds:0.#} s"
            : $"{within.TotalMinutes:0.#} min";
        return $"not drained within {time}: {end.Obstacle}. {end.PeersDone} of {end.Peers} nodes have what "
            + $"they are to have of its {end.Records} records, and it votes about the registers of "
            + $"{end.Cells} of 256 cells; the node is a member as before";
    }

    /// <summary>How far it is.</summary>
    public static string Human(DrainProgress progress)
    {
        string stage = progress.Stage == DrainStage.Closing
            ? "closing"
            : $"moving: {progress.PeersDone} of {progress.Peers} nodes compared";
        string cells = progress.Cells > 0 ? $", votes about {progress.Cells} of 256 cells" : string.Empty;
        string obstacle = progress.Obstacle.Length > 0 ? $" ({progress.Obstacle})" : string.Empty;
        return $"{stage}, {progress.CopiesGiven} copies given{cells}{obstacle}";
    }

    /// <summary>The same as a line of JSON.</summary>
    public static string Json(DrainProgress progress) => JsonText.Object(writer =>
    {
        writer.WriteString("stage", progress.Stage switch
        {
            DrainStage.Moving => "moving",
            DrainStage.Closing => "closing",
            DrainStage.Drained => "drained",
            DrainStage.Failed => "failed",
            _ => "none",
        });
        writer.WriteNumber("peers", progress.Peers);
        writer.WriteNumber("peersDone", progress.PeersDone);
        writer.WriteNumber("records", progress.Records);
        writer.WriteNumber("copiesGiven", progress.CopiesGiven);
        writer.WriteNumber("cells", progress.Cells);
        writer.WriteString("obstacle", progress.Obstacle);
    });
}
