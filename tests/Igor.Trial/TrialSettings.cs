using Igor.Trial.Lab;

namespace Igor.Trial;

/// <summary>What a trial is told.</summary>
/// <param name="Program">The program of a node.</param>
/// <param name="Folder">Where disks, logs, the history and the transcript are.</param>
/// <param name="Nodes">How many nodes there are from the beginning.</param>
/// <param name="Length">For how long faults come.</param>
/// <param name="RoundLength">All faults end after so long, and everything has to be served again.</param>
/// <param name="Seed">What everything is drawn from that is not up to the machine.</param>
internal sealed record TrialSettings(
    string Program, string Folder, int Nodes, TimeSpan Length, TimeSpan RoundLength, ulong Seed)
{
    public string History => Path.Combine(Folder, "history.jsonl");

    public string Transcript => Path.Combine(Folder, "transcript.md");

    /// <summary>Empties the folder.</summary>
    /// <exception cref="TrialException">
    /// This machine cannot run it, or a setting is out of its range.
    /// </exception>
    public void Check()
    {
        if (Nodes is < 5 or > 60 || Length.TotalMinutes is < 0.1 or > 1440
            || RoundLength.TotalSeconds is < 15 or > 600)
        {
            throw new TrialException("a number is out of its range; --help says which go");
        }

        if (!Environment.IsPrivilegedProcess)
        {
            throw new TrialException("namespaces and mounts need root: run it as root");
        }

        if (!File.Exists(Program))
        {
            throw new TrialException($"there is no program {Program}; eng/publish makes one");
        }

        LabHost.CheckClocks();
        if (File.Exists(History) || !Directory.Exists(Folder)
            || Directory.GetFileSystemEntries(Folder).Length == 0)
        {
            foreach (string disk in Directory.Exists(Folder) ? Directory.GetDirectories(Folder, "disk*") : [])
            {
                Tool.Try("umount", "-l", disk);
            }

            Tool.Run("rm", "-rf", "--one-file-system", Folder);
            Directory.CreateDirectory(Folder);
            File.WriteAllText(History, string.Empty);
        }
        else
        {
            throw new TrialException(
                $"{Folder} is not empty, and not from a trial: name another one with --dir");
        }
    }
}
