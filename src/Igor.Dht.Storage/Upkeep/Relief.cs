using Igor.Dht.Protocol.Records;
using Igor.Dht.Storage.Segments;
using Igor.Dht.Storage.State;
using Igor.Dht.Storage.Writing;

// Keeps room for compaction while there is some, and on a full disk has garbage compacted that would not be
// worth it otherwise: segments with the least to copy first, from the reserve.

namespace Igor.Dht.Storage.Upkeep;

/// <summary>Frees room on a full disk. Belongs to the upkeep's thread.</summary>
internal sealed class Relief(StoreContext store, StoreWriter writer)
{
    // What others took of the room that was freed may be free again by then.
    private static readonly TimeSpan RetryPeriod = TimeSpan.FromSeconds(2);

    // What one record needs at the least: below it the disk is as good as full.
    private const long FreeBytesMin = 256 * 1024;

    private long _retryAtMs;
    private volatile bool _isAsked;
    private volatile bool _isTaken;
    private int _tried;

    /// <summary>Does what is due.</summary>
    public void Step()
    {
        if (_isAsked || writer.Compactor.IsBusy || Environment.TickCount64 < _retryAtMs)
        {
            return;
        }

        bool isKept = store.Reserve.TryKeep(store.Log.DiskBytes);
        bool isShort = (!isKept && store.Reserve.LacksRoom) || store.Reserve.FreeBytes < FreeBytesMin;
        store.IsFull |= isShort;
        if (!store.IsFull)
        {
            return;
        }

        if (Victims.ChooseForRoom(store.Index, store.Log, store.Reserve.RoomBytes) is not Victim victim)
        {
            // What is left is alive.
            Settle(isShort);
            return;
        }

        if (victim.Segment == _tried && _isTaken)
        {
            // It is still there: the disk refused. Others may have taken the room, and give it back.
            _tried = 0;
            Settle(isShort);
            return;
        }

        _tried = victim.Segment;
        store.MayFreeRoom = true;
        if (victim.BytesToCopy > 0)
        {
            store.Reserve.Spend();
        }

        _isAsked = true; // until the writer, which may be slow, has come to it
        var compact = new StoreCommand(StoreCommandKind.Compact)
        {
            Place = new Place(victim.Segment, 0, 0),
            Completed = outcome =>
            {
                _isTaken = outcome != StoreOutcome.Busy; // else another was under way
                _isAsked = false;
            },
        };
        if (!writer.TryEnqueue(compact))
        {
            _isAsked = false;
            Pause();
        }
    }

    /// <summary>
    /// There is nothing to free now: either there is room all the same, or that is trouble.
    /// </summary>
    private void Settle(bool isShort)
    {
        store.IsFull = isShort;
        store.MayFreeRoom = !isShort;
        if (isShort)
        {
            store.Ledger.AddFullDisk(
                DiskFault.DescribeFull("Records cannot be written", store.Options.Folder));
        }
        else
        {
            store.Ledger.SetDiskTrouble(null);
        }

        Pause();
    }

    private void Pause() => _retryAtMs = Environment.TickCount64 + (long)RetryPeriod.TotalMilliseconds;
}
