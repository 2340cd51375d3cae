using Igor.Dht.Protocol;

namespace Igor.Dht.Cli.Output;

/// <summary>Lineages of registers, for people and for programs.</summary>
internal static class LineageText
{
    /// <summary>A line for each.</summary>
    public static string Human(IReadOnlyList<RegisterLineage> lineages) => lineages.Count == 0
        ? "no register was ever written"
        : string.Join('\n', lineages.Select(lineage =>
            $"{lineage.Id}: {lineage.Registers} registers, {lineage.CellsServed} of {lineage.Cells} cells "
            + "are served"));

    /// <summary>All in one object.</summary>
    public static string Json(IReadOnlyList<RegisterLineage> lineages) => JsonText.Object(writer =>
    {
        writer.WriteStartArray("lineages");
        foreach (RegisterLineage lineage in lineages)
        {
            writer.WriteStartObject();
            writer.WriteString("id", lineage.Id);
            writer.WriteNumber("registers", lineage.Registers);
            writer.WriteNumber("cells", lineage.Cells);
            writer.WriteNumber("cellsServed", lineage.CellsServed);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    });
}
