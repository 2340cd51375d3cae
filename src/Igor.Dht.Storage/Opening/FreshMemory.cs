using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Igor.Dht.Protocol.Index;

namespace Igor.Dht.Storage.Opening;

/// <summary>
/// Room for the index of a store that opens. It is taken where the garbage collector moves nothing, which
/// would copy all of it twice and clear memory for that; and its pages are asked of the kernel several at a
/// time, for to touch them one by one takes as long as everything else that an opening does.
/// </summary>
internal static class FreshMemory
{
    private const int PopulateForWriting = 23; // MADV_POPULATE_WRITE, of Linux 5.14
    private const int PageBytes = 4096;

    /// <summary>Room for so many records, whatever is in it.</summary>
    public static RecordSlot[] Slots(int length)
    {
        RecordSlot[] slots = GC.AllocateUninitializedArray<RecordSlot>(length, pinned: true);
        if (length > 0 && OperatingSystem.IsLinux())
        {
            nint from = Marshal.UnsafeAddrOfPinnedArrayElement(slots, 0) & -PageBytes;
            nint to = Marshal.UnsafeAddrOfPinnedArrayElement(slots, length - 1) + Unsafe.SizeOf<RecordSlot>();
            _ = madvise(from, to - from, PopulateForWriting); // where it is refused, pages come when touched
        }

        return slots;
    }

    [DllImport("libc")]
    private static extern int madvise(nint address, nint length, int advice);
}
