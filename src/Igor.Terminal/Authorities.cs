using System.Runtime.InteropServices;

namespace Igor.Terminal;

/// <summary>
/// Keeps the platform from reading the machine's certificate authorities. No program here trusts any, yet the
/// issuer of a node's own certificate is looked for among them, and to read some hundred took half of the
/// processor time in which a native node starts.
/// </summary>
internal static partial class Authorities
{
    private const string None = "/dev/null";

    /// <summary>Lets this process have no authorities; before its first TLS.</summary>
    public static void Forgo()
    {
        if (OperatingSystem.IsLinux())
        {
            // The platform reads what C's library has, which Environment does not change.
            _ = SetVariable("SSL_CERT_FILE", None, 1);
            _ = SetVariable("SSL_CERT_DIR", None, 1);
        }
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetVariable(string name, string value, int overwrites);
}
