using Mono.Cecil;

namespace Igor.Architecture.Tests;

/// <summary>
/// What pure code must not use: whatever reads a clock, waits, starts a thread, touches the machine, or is
/// random without a seed. Time and randomness are passed in, effects go out through an interface.
/// </summary>
internal static class Purity
{
    private static readonly string[] s_bannedNamespaces =
    [
        "System.IO.", "System.Net.", "System.Threading.", "System.Timers.", "System.Diagnostics.",
        "Microsoft.Extensions.", "Microsoft.Win32.", "System.Runtime.Loader.", "System.Reflection.Emit.",
        "LiteDB.", "Polly.",
    ];

    // Values without effects, counting that threads share and that waits for nobody, and the types that the
    // asynchronous public interface is made of.
    private static readonly HashSet<string> s_allowedTypes =
    [
        "System.IO.EndOfStreamException", "System.IO.InvalidDataException", "System.IO.Hashing.XxHash3",
        "System.IO.Hashing.XxHash64", "System.IO.Hashing.Crc32",
        "System.Net.IPAddress", "System.Net.IPEndPoint", "System.Threading.Interlocked",
        "System.Threading.CancellationToken", "System.Threading.CancellationTokenRegistration",
        "System.Threading.Tasks.Task", "System.Threading.Tasks.Task`1",
        "System.Threading.Tasks.ValueTask", "System.Threading.Tasks.ValueTask`1",
        "System.Threading.Tasks.TaskCompletionSource", "System.Threading.Tasks.TaskCompletionSource`1",
        "System.Threading.Tasks.TaskCreationOptions", "System.Diagnostics.UnreachableException",
        "System.Diagnostics.Debug", "System.Diagnostics.DebuggerBrowsableState",
    ];

    private static readonly HashSet<string> s_bannedTypes =
    [
        "System.Environment", "System.Console", "System.TimeProvider", "System.AppContext",
        "System.AppDomain", "System.Security.Cryptography.RandomNumberGenerator", "System.GC", "native code",
        "System.Runtime.InteropServices.NativeLibrary",
        "System.Runtime.InteropServices.PosixSignalRegistration",
    ];

    private static readonly HashSet<(string Type, string Member)> s_bannedMembers =
    [
        ("System.DateTime", "get_Now"), ("System.DateTime", "get_UtcNow"), ("System.DateTime", "get_Today"),
        ("System.DateTimeOffset", "get_Now"), ("System.DateTimeOffset", "get_UtcNow"),
        ("System.Guid", "NewGuid"), ("System.Guid", "CreateVersion7"), ("System.Random", "get_Shared"),
        ("System.Threading.Tasks.Task", "Run"), ("System.Threading.Tasks.Task", "Delay"),
        ("System.Threading.Tasks.Task", "Wait"), ("System.Threading.Tasks.Task", "get_Factory"),
        ("System.Threading.Tasks.Task", "ContinueWith"), ("System.Threading.Tasks.Task`1", "get_Result"),
    ];

    /// <summary>What a type does that pure code must not; empty for pure code.</summary>
    public static IEnumerable<string> ViolationsOf(TypeDefinition type) =>
        Use.Of(type).Where(IsBanned).Select(use => use.ToString())
            .Concat(BuiltAssembly.WithNested(type).SelectMany(MutableStatics))
            .Distinct();

    private static bool IsBanned(Use use)
    {
        // What the compiler makes of an iterator asks which thread it is on, to know when to use it again.
        if (use.Where.Contains("/<", StringComparison.Ordinal)
            && use is { Type: "System.Environment", Member: "" or "get_CurrentManagedThreadId" })
        {
            return false;
        }

        if (s_bannedTypes.Contains(use.Type) || s_bannedMembers.Contains((use.Type, use.Member)))
        {
            return true;
        }

        if (use is { Type: "System.Random", Member: ".ctor", ParameterCount: 0 })
        {
            return true;
        }

        return !s_allowedTypes.Contains(use.Type)
            && s_bannedNamespaces.Any(prefix => use.Type.StartsWith(prefix, StringComparison.Ordinal));
    }

    // State that nodes in one process would share. (The compiler caches delegates in fields named "<...>".)
    private static IEnumerable<string> MutableStatics(TypeDefinition type) => type.Fields
        .Where(field => field.IsStatic && !field.IsInitOnly && !field.IsLiteral
            && !field.Name.StartsWith('<') && !type.Name.StartsWith('<'))
        .Select(field => $"{type.FullName} has the mutable static {field.Name}");
}
