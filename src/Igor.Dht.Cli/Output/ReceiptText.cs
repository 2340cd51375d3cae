using System.Text;
using Igor.Dht.Cli.Values;
using Igor.Dht.Protocol;
using Igor.Kbr;

namespace Igor.Dht.Cli.Output;

/// <summary>How the receipt of a put or delete looks.</summary>
internal static class ReceiptText
{
    /// <summary>
    /// The receipt for people: what happened in the first line (on how many nodes, of how many asked for),
    /// then key, version and holders.
    /// </summary>
    public static string Human(string what, PutReceipt receipt)
    {
        var text = new StringBuilder();
        text.Append(what)
            .Append(" on ").Append(receipt.Holders.Count)
            .Append(" of ").Append(receipt.ReplicasAsked)
            .Append(receipt.ReplicasAsked == 1 ? " node" : " nodes");
        text.Append("\nkey      ").Append(receipt.Key);
        text.Append("\nversion  ").Append(receipt.Version);
        foreach (Key holder in receipt.Holders)
        {
            text.Append("\nheld by  ").Append(holder);
        }

        if (receipt.IsDegraded)
        {
            text.Append("\ndegraded these are no majority of the nodes that are to hold it: until more can ")
                .Append("be reached, others may read what was there before, or write over it");
        }

        return text.ToString();
    }

    /// <summary>
    /// The receipt for programs: name (none for an immutable record; nameBase64 where it is no text), bytes,
    /// key, version, holders, and whether they are no majority.
    /// </summary>
    public static string Json(RecordName? name, int? valueBytes, PutReceipt receipt) =>
        JsonText.Object(writer =>
        {
            if (name is not null)
            {
                JsonText.Name(writer, name);
            }

            if (valueBytes is int bytes)
            {
                writer.WriteNumber("bytes", bytes);
            }

            writer.WriteString("key", receipt.Key.ToString());
            writer.WriteString("version", receipt.Version.ToString());
            writer.WriteNumber("replicasAsked", receipt.ReplicasAsked);
            writer.WriteBoolean("isDegraded", receipt.IsDegraded);
            JsonText.Texts(writer, "holders", receipt.Holders.Select(id => id.ToString()));
        });
}
