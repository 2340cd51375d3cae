using System.Text;
using Igor.Kbr;

namespace Igor.LocalSocket;

/// <summary>Where daemons listen and applications look for them, when nobody says otherwise.</summary>
internal static class LocalSocketPath
{
    /// <summary>Longest path of a Unix domain socket, in bytes (sun_path without its final zero).</summary>
    public const int BytesMax = 107;

    private const string FileName = "igor.sock";

    /// <summary>
    /// The socket for a data folder (null: the default one): what IGOR_SOCKET says; else igor.sock in a
    /// folder that was named, here or by IGOR_DATA; else $XDG_RUNTIME_DIR/igor/igor.sock, which no other user
    /// can reach; else igor.sock in the default data folder.
    /// </summary>
    public static string Default(string? dataFolder)
    {
        if (Variable("IGOR_SOCKET") is { } socket)
        {
            return Path.GetFullPath(socket);
        }

        if ((dataFolder ?? Variable("IGOR_DATA")) is { } named)
        {
            return Path.Combine(Path.GetFullPath(named), FileName);
        }

        if (Variable("XDG_RUNTIME_DIR") is { } runtime)
        {
            return Path.Combine(runtime, "igor", FileName);
        }

        string data = Variable("XDG_DATA_HOME") ?? Path.Combine(
            Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".local", "share");
        return Path.Combine(data, "igor", FileName);
    }

    /// <summary>Refuses a path that the operating system would not take.</summary>
    /// <exception cref="KbrException">It is too long, or no UTF-8.</exception>
    public static void Check(string path)
    {
        if (path.Contains('\ufffd', StringComparison.Ordinal) || !StrictUtf8.HasBytes(path))
        {
            // Of a variable or a working directory: the socket would be another one.
            throw new KbrException(
                $"The socket path '{PrintableText.Of(path)}' is not valid UTF-8. Name another with --socket "
                + "PATH or IGOR_SOCKET.");
        }

        int bytes = Encoding.UTF8.GetByteCount(path);
        if (bytes > BytesMax)
        {
            throw new KbrException(
                $"The socket path '{path}' has {bytes} bytes; a Unix domain socket allows {BytesMax}. "
                + "Choose a shorter one with --socket PATH or IGOR_SOCKET.");
        }
    }

    private static string? Variable(string name) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}
