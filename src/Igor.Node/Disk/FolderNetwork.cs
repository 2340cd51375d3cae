using System.Text;
using Igor.Kbr;
using Igor.Node.Reporting;

namespace Igor.Node.Disk;

/// <summary>
/// The network that a data folder belongs to, in a file of its own. Identity, known peers and records of one
/// network are wrong in another: served there, test data would become production data. So the name is bound
/// when the folder is first used, and changed only on purpose.
/// </summary>
public static class FolderNetwork
{
    private const string FileName = "network";
    private const string Heading = "igor-network 1\n";
    private const int FileBytesMax = 1024; // a heading and a name

    /// <summary>The network of a folder; null when none is bound.</summary>
    /// <param name="folder">The folder with the name in it.</param>
    /// <param name="data">The data folder that it is in; null where it is one itself.</param>
    /// <exception cref="NodeStartException">The file is damaged or cannot be read.</exception>
    public static string? Read(string folder, string? data = null)
    {
        string path = Path.Combine(folder, FileName);
        try
        {
            if (!File.Exists(path))
            {
                return null;
            }

            string text = new FileInfo(path).Length > FileBytesMax ? "" : File.ReadAllText(path);
            string name = text.StartsWith(Heading, StringComparison.Ordinal) ? text[Heading.Length..] : "";
            return name.EndsWith('\n') && ServiceId.IsValidName(name[..^1])
                ? name[..^1]
                : throw Damaged(path, data ?? folder);
        }
        catch (Exception problem) when (DiskTrouble.IsDisk(problem))
        {
            throw DiskTrouble.Explain("read the network's name in", path, problem);
        }
    }

    /// <summary>Refuses a network that is not the folder's; a folder without one takes any.</summary>
    /// <returns>Whether the folder is bound to a network, this one.</returns>
    /// <exception cref="NodeStartException">It belongs to another network.</exception>
    public static bool Check(string folder, string network)
    {
        string? bound = Read(folder);
        return bound is null || bound == network ? bound is not null : throw Mismatch(folder, bound, network);
    }

    /// <summary>Binds a folder to a network, whatever it was bound to.</summary>
    /// <exception cref="NodeStartException">The file cannot be written.</exception>
    public static void Bind(string folder, string network)
    {
        string path = Path.Combine(folder, FileName);
        try
        {
            DurableFile.Write(path, Encoding.UTF8.GetBytes(Heading + network + "\n"), replace: true);
        }
        catch (Exception problem) when (DiskTrouble.IsDisk(problem))
        {
            throw DiskTrouble.Explain("write the network's name to", path, problem);
        }
    }

    /// <summary>What is said to somebody who serves a data folder, or what is in it, under another
    /// name.</summary>
    /// <param name="what">What is refused, such as "The data folder /tmp/a belongs".</param>
    /// <param name="folder">The data folder.</param>
    /// <param name="bound">The network that it belongs to.</param>
    /// <param name="network">The one that it was to be served in.</param>
    public static string MismatchText(string what, string folder, string bound, string network) =>
        $"{what} to the network '{bound}', not to '{network}'. Name that network with --network "
        + $"{Word(bound)}, or another folder with --data DIR. To move all that {folder} holds to "
        + $"'{network}' on purpose: igor-dht store adopt --network {Word(network)} --data {Word(folder)} "
        + "--yes";

    private static NodeStartException Mismatch(string folder, string bound, string network) =>
        new(MismatchText($"The data folder {folder} belongs", folder, bound, network));

    /// <summary>A word as a shell takes it.</summary>
    private static string Word(string text) =>
        text.All(c => char.IsAsciiLetterOrDigit(c) || "/._-+:@".Contains(c, StringComparison.Ordinal))
            ? text
            : $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    private static NodeStartException Damaged(string path, string folder) => new(
        $"{path} does not say which network the data folder belongs to: it is damaged. Say so with igor-dht "
        + $"store adopt --network NAME --data {Word(folder)} --yes");
}
