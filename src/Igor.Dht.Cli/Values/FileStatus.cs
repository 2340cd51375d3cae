using System.Runtime.InteropServices;

namespace Igor.Dht.Cli.Values;

/// <summary>What Linux says of a file beyond what .NET does: of what kind it is, and whose.</summary>
internal sealed record FileStatus
{
    private const int CurrentFolder = -100;
    private const uint BasicFields = 0x7ff;
    private const int KindMask = 0xf000;
    private const int RegularKind = 0x8000;
    private const int FolderKind = 0x4000;
    private const uint AsItIs = uint.MaxValue;
    private const UnixFileMode ForOthers = UnixFileMode.SetUser | UnixFileMode.SetGroup;

    private readonly int _mode;
    private readonly uint _user;
    private readonly uint _group;

    private FileStatus(int mode, uint user, uint group)
    {
        _mode = mode;
        _user = user;
        _group = group;
    }

    /// <summary>Whether it is a file.</summary>
    public bool IsRegular => (_mode & KindMask) == RegularKind;

    /// <summary>Whether it is a folder.</summary>
    public bool IsFolder => (_mode & KindMask) == FolderKind;

    /// <summary>
    /// The status of what a path leads to; null when there is nothing, or this is not Linux.
    /// </summary>
    public static FileStatus? Of(string path) =>
        OperatingSystem.IsLinux() && GetStatus(CurrentFolder, path, 0, BasicFields, out Fields fields) == 0
            ? new FileStatus(fields.Mode, fields.User, fields.Group)
            : null;

    /// <summary>
    /// Gives another file the same owner, as far as this process may, and the same mode. A file of another
    /// owner does not run in his name.
    /// </summary>
    public void ApplyTo(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        bool isOwned = ChangeOwner(path, _user, _group) == 0
            || (ChangeOwner(path, AsItIs, _group) == 0 && Of(path)?._user == _user);
        var mode = (UnixFileMode)(_mode & 0xfff);
        File.SetUnixFileMode(path, isOwned ? mode : mode & ~ForOthers);
    }

    [DllImport("libc", EntryPoint = "statx", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int GetStatus(
        int folder,
        [MarshalAs(UnmanagedType.LPUTF8Str)] string path,
        int flags,
        uint mask,
        out Fields fields);

    [DllImport("libc", EntryPoint = "chown", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int ChangeOwner(
        [MarshalAs(UnmanagedType.LPUTF8Str)] string path, uint user, uint group);

    // Of struct statx, which is the same on all processors.
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct Fields
    {
        [FieldOffset(20)]
        public uint User;

        [FieldOffset(24)]
        public uint Group;

        [FieldOffset(28)]
        public ushort Mode;
    }
}
