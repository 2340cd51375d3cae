using System.Globalization;
using System.Text;

namespace Igor.Node.Disk;

/// <summary>
/// Who uses a data folder, or the store in it, written into it for whoever finds it locked. A help for
/// people and for clients that look for the node of a folder; the lock alone decides.
/// </summary>
/// <param name="Program">The program and its command, such as "igor-dht serve".</param>
/// <param name="ProcessId">Its process.</param>
/// <param name="Socket">Where applications reach it; null before it has opened a socket.</param>
public sealed record FolderHolder(string Program, int ProcessId, string? Socket)
{
    private const string FileName = "holder";
    private const int FileBytesMax = 4096; // three short lines

    /// <summary>This process.</summary>
    internal static FolderHolder Present { get; } = new(PresentProgram(), Environment.ProcessId, null);

    /// <inheritdoc/>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Program} (process {ProcessId})");

    /// <summary>What a folder says; null when it says nothing that can be read.</summary>
    internal static FolderHolder? Read(string folder)
    {
        string path = Path.Combine(folder, FileName);
        try
        {
            if (!File.Exists(path) || new FileInfo(path).Length > FileBytesMax)
            {
                return null;
            }

            return File.ReadAllLines(path) is [var program, var process, var socket, ..]
                && int.TryParse(process, NumberStyles.None, CultureInfo.InvariantCulture, out int id)
                    ? new FolderHolder(program, id, socket.Length > 0 ? socket : null)
                    : null;
        }
        catch (Exception problem) when (DiskTrouble.IsDisk(problem))
        {
            return null; // it is only a help
        }
    }

    /// <summary>Removes what the folder says.</summary>
    internal static void Erase(string folder)
    {
        try
        {
            File.Delete(Path.Combine(folder, FileName));
        }
        catch (Exception problem) when (DiskTrouble.IsDisk(problem))
        {
            return; // what is left behind does not count once the lock is free
        }
    }

    /// <summary>Writes it. A disk that takes no more shows at the first record, not here.</summary>
    internal void Write(string folder)
    {
        string path = Path.Combine(folder, FileName);
        string text = string.Create(
            CultureInfo.InvariantCulture, $"{Program}\n{ProcessId}\n{Socket}\n");
        try
        {
            File.Delete(path + ".new");
            using (var file = new FileStream(path + ".new", NewFile()))
            {
                file.Write(Encoding.UTF8.GetBytes(text));
            }

            File.Move(path + ".new", path, overwrite: true);
        }
        catch (Exception problem) when (DiskTrouble.IsDisk(problem))
        {
            return; // it is only a help
        }
    }

    private static FileStreamOptions NewFile()
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        return options;
    }

    /// <summary>The program's name and, where it has commands, the one that it runs.</summary>
    private static string PresentProgram()
    {
        string program = Path.GetFileName(Environment.ProcessPath) ?? "a process";
        return Environment.GetCommandLineArgs() is [_, { Length: > 0 and < 16 } command, ..]
            && command.All(char.IsAsciiLetterLower)
                ? $"{program} {command}"
                : program;
    }
}
