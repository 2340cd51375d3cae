using System.Runtime.InteropServices;
using System.Text;
using Igor.Kbr;

namespace Igor.Local.Paths;

/// <summary>Where daemons listen and applications look for them, when nobody says otherwise.</summary>
internal static partial class LocalSocketPath
{
    /// <summary>Longest path of a Unix domain socket, in bytes (sun_path without its final zero).</summary>
    public const int BytesMax = 107;

    private const string FileName = "igor.sock";
    private const string SocketVariable = "IGOR_SOCKET";
    private const string RuntimeVariable = "XDG_RUNTIME_DIR";
    private const int WriteAndSearch = 3; // W_OK and X_OK

    /// <summary>
    /// The socket that was named, else the one for a data folder (null: the default one): what IGOR_SOCKET
    /// says; else igor.sock in a folder that was named, here or by IGOR_DATA; else
    /// $XDG_RUNTIME_DIR/igor/igor.sock, which no other user can reach; else igor.sock in the default data
    /// folder. A runtime folder that is gone or another user's, which a session leaves behind in the
    /// environment, is passed over, by daemons and applications alike. So is IGOR_SOCKET where the caller
    /// named something that says itself which node is meant.
    /// </summary>
    /// <param name="socket">What a caller named; null for nothing.</param>
    /// <param name="namedBy">How the caller calls that, for messages.</param>
    /// <param name="dataFolder">The data folder; null for the default one.</param>
    /// <param name="overVariable">
    /// What the caller named that counts for more than IGOR_SOCKET, for people; null for nothing.
    /// </param>
    /// <exception cref="KbrException">There is no home to look in.</exception>
    public static LocalSocketPlace Find(
        string? socket, string? namedBy, string? dataFolder, string? overVariable = null)
    {
        if (socket is not null)
        {
            return new LocalSocketPlace(Path.GetFullPath(socket), namedBy, null);
        }

        if (Variable(SocketVariable) is not { } named)
        {
            return FindDefault(dataFolder);
        }

        return overVariable is null
            ? new LocalSocketPlace(Path.GetFullPath(named), SocketVariable, null)
            : FindDefault(dataFolder) with
            {
                PassedOver = $"{SocketVariable} is not used, since {overVariable} is named",
            };
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

    private static LocalSocketPlace FindDefault(string? dataFolder)
    {
        if ((dataFolder ?? Variable("IGOR_DATA")) is { } folder)
        {
            return new LocalSocketPlace(Path.Combine(Path.GetFullPath(folder), FileName), null, null);
        }

        string? fault = RuntimeFault(Variable(RuntimeVariable));
        if (Variable(RuntimeVariable) is { } runtime && fault is null)
        {
            return new LocalSocketPlace(Path.Combine(runtime, "igor", FileName), null, null);
        }

        string path = Path.Combine(DefaultDataFolder.Path, FileName);
        return new LocalSocketPlace(path, null, fault is null ? null : $"{fault}: the socket is {path}");
    }

    private static string? RuntimeFault(string? folder) => folder switch
    {
        null => null,
        _ when !Path.IsPathFullyQualified(folder) =>
            $"{RuntimeVariable} is '{folder}', which is no absolute path",
        _ when !Directory.Exists(folder) => $"{RuntimeVariable} is '{folder}', which is not there",
        _ when !OperatingSystem.IsWindows() && Access(folder, WriteAndSearch) != 0 =>
            $"{RuntimeVariable} is '{folder}', which this user cannot write",
        _ => null,
    };

    private static string? Variable(string name) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;

    [LibraryImport("libc", EntryPoint = "access", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Access(string path, int mode);
}
