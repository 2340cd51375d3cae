namespace Igor.Simulation.Cli;

/// <summary>
/// Where results go as they come, so that what has been run is not lost with what has not. It is opened
/// before the first run: hours later is no time to learn that it cannot be written.
/// </summary>
internal sealed class ResultOutput : IDisposable
{
    private readonly FileStream? _file;
    private readonly TextWriter _writer;
    private string _written = string.Empty;

    private ResultOutput(FileStream file)
    {
        _file = file;
        _writer = new StreamWriter(file);
    }

    public ResultOutput(TextWriter writer) => _writer = writer;

    /// <summary>Opens it; a file keeps what it holds until there is a result.</summary>
    /// <param name="path">The file; - for standard output, null for nowhere.</param>
    public static ResultOutput Open(string? path) => path switch
    {
        null => new(TextWriter.Null),
        "-" => new(Console.Out),
        _ => new(new FileStream(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.Read)),
    };

    /// <summary>
    /// Writes all results until now. They may begin differently each time, such as with one more column: a
    /// file then holds them once, and where nothing can be taken back they are written when they are whole.
    /// </summary>
    public void Update(string text, bool isWhole)
    {
        bool isFile = _file is { CanSeek: true };
        if (!isFile && !isWhole)
        {
            return;
        }

        bool goesOn = _written.Length > 0 && text.StartsWith(_written, StringComparison.Ordinal);
        if (!goesOn && isFile)
        {
            _file!.SetLength(0);
        }

        _writer.Write(goesOn ? text[_written.Length..] : text);
        _writer.Flush();
        _written = text;
    }

    /// <inheritdoc/>
    public void Dispose() => _file?.Dispose();
}
