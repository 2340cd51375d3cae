namespace Igor.EndToEnd;

/// <summary>
/// Content for records: the lines of Newton's "Opticks" (fourth edition, 1730; in the public domain), each
/// once.
/// </summary>
internal static class RealText
{
    private static readonly string[] s_lines = File
        .ReadLines(Path.Combine(AppContext.BaseDirectory, "Texts", "newton-opticks.txt"))
        .Where(line => line.Length > 0)
        .Distinct()
        .ToArray();

    /// <summary>Some different lines, from a place in the text on.</summary>
    public static IReadOnlyList<string> Lines(int from, int count) => s_lines[from..(from + count)];

    /// <summary>One line; the text starts over where it ends.</summary>
    public static string Line(int index) => s_lines[index % s_lines.Length];
}
