namespace Igor.Dht.Cli.Output;

/// <summary>
/// What the user should know and is no failure. People are told at once. Programs read one object on standard
/// error: it is held for the error's object, and told by itself when there is none.
/// </summary>
/// <param name="program">What the program is called.</param>
/// <param name="isHeld">Whether it is held until the end.</param>
/// <param name="isJson">Whether it is for programs.</param>
/// <param name="streams">Where to tell it.</param>
internal sealed class Notes(string program, bool isHeld, bool isJson, CommandStreams streams)
{
    private readonly List<string> _held = [];

    /// <summary>Takes a note.</summary>
    public void Add(string note)
    {
        string line = note.ReplaceLineEndings(" ");
        if (isHeld)
        {
            _held.Add(line);
            return;
        }

        streams.WriteErrorLine(isJson ? FailureText.Note(line) : $"{program}: {line}");
    }

    /// <summary>Hands over what is held.</summary>
    public IReadOnlyList<string> Take()
    {
        string[] held = [.. _held];
        _held.Clear();
        return held;
    }

    /// <summary>Tells what is held.</summary>
    public void Tell()
    {
        foreach (string line in Take())
        {
            streams.WriteErrorLine(FailureText.Note(line));
        }
    }
}
