using System.Net;
using Igor.Kbr;
using Igor.Node.Addresses;

namespace Igor.Node.Memory;

/// <summary>
/// How many bytes a node holds for others: frames that wait to be sent or are being received, payloads on
/// their way, records that were read for an answer. Each peer and application has an account. Shares are
/// dynamic thresholds (Choudhury and Hahne, 1998): an account may hold as much as is still free, so that one
/// alone gets half, many share alike, and there is always room for one more. Strangers together hold a
/// quarter at most, and those behind one address no more than strangers elsewhere still may; applications
/// hold three quarters. All members are thread-safe.
/// </summary>
public sealed class ByteBudget
{
    /// <summary>
    /// What every account may hold whatever others do: a segment that is written, one that is filled.
    /// </summary>
    internal const int FloorBytes = 32 * 1024;

    /// <summary>
    /// So much that is small goes beyond an account's share: what is refused is refused by small answers.
    /// </summary>
    internal const int SmallReserveBytes = 64 * 1024;

    /// <summary>What is small: a segment of a link.</summary>
    internal const int SmallBytes = 16 * 1024;

    private const int StrangersPart = 4; // 1/4 of the budget
    private const int ApplicationsPart = 4; // all but 1/4 of it
    private const int IncomingPart = 4; // 1/4 for frames that applications send, beside what is held for them

    private readonly Lock _gate = new();
    private readonly Dictionary<Key, ByteAccount> _peers = [];
    private readonly Dictionary<IPAddress, long> _heldByAddress = [];
    private readonly long[] _held = new long[Enum.GetValues<HolderKind>().Length];
    private readonly long[] _refused = new long[Enum.GetValues<HolderKind>().Length];
    private readonly long _bytesMax;
    private long _peak;
    private long _total;
    private long _incoming;
    private long _incomingOfApplications;

    /// <summary>Makes a budget of which nothing is spent.</summary>
    /// <param name="bytesMax">Most bytes held, but for what every account may hold. At least 1 MiB.</param>
    public ByteBudget(long bytesMax)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bytesMax, 1024 * 1024);
        _bytesMax = bytesMax;
    }

    /// <summary>Bytes held now.</summary>
    public long Total
    {
        get
        {
            lock (_gate)
            {
                return _total;
            }
        }
    }

    /// <summary>Bytes held now for holders of a kind.</summary>
    public long Held(HolderKind kind)
    {
        lock (_gate)
        {
            return _held[(int)kind];
        }
    }

    /// <summary>How often holders of a kind were refused bytes.</summary>
    public long Refused(HolderKind kind)
    {
        lock (_gate)
        {
            return _refused[(int)kind];
        }
    }

    /// <summary>Opens an account; it goes when it is closed and nothing is held on it.</summary>
    public ByteAccount Open(HolderKind kind) => new(this, kind, null, null);

    /// <summary>
    /// Says that what is taken on behalf of this node is for its own applications: it is no peer.
    /// </summary>
    public void OpenOwn(Key self)
    {
        lock (_gate)
        {
            ByteAccount account = Find(self, null);
            account.Kind = HolderKind.Application;
            account.Users++;
        }
    }

    /// <summary>
    /// Takes bytes on behalf of a node: a peer that handed a message over, or this node's own applications.
    /// </summary>
    /// <returns>False when nothing was taken: the answer is "busy".</returns>
    public bool TryTake(Key node, int bytes)
    {
        lock (_gate)
        {
            ByteAccount account = Find(node, null);
            bool isTaken = TryTake(account, bytes);
            ForgetUnused(account);
            return isTaken;
        }
    }

    /// <summary>Gives bytes back that were taken on behalf of a node.</summary>
    public void Return(Key node, int bytes)
    {
        lock (_gate)
        {
            Return(Find(node, null), bytes);
        }
    }

    /// <summary>The most bytes held since this was asked last.</summary>
    internal long TakePeak()
    {
        lock (_gate)
        {
            long peak = _peak;
            _peak = _total;
            return peak;
        }
    }

    /// <summary>The account of a peer that a link leads to; it stays while links use it.</summary>
    internal ByteAccount Attach(Key peer, string remoteAddress)
    {
        lock (_gate)
        {
            bool isKnown = IPEndPoint.TryParse(remoteAddress, out IPEndPoint? remote);
            ByteAccount account = Find(peer, isKnown ? SourceAddress.Of(remote!.Address) : null);
            account.Users++;
            return account;
        }
    }

    /// <summary>A link of the peer is gone.</summary>
    internal void Detach(ByteAccount account)
    {
        lock (_gate)
        {
            account.Users--;
            ForgetUnused(account);
        }
    }

    internal bool TryTake(ByteAccount account, int bytes)
    {
        lock (_gate)
        {
            if (!Fits(account, bytes))
            {
                _refused[(int)account.Kind]++;
                return false;
            }

            Add(account, bytes);
            return true;
        }
    }

    /// <summary>
    /// Takes bytes of a frame that is being received. For members they count against half of the budget of
    /// their own, for applications against a quarter: what waits to be sent to a peer, or for the answer to a
    /// request, must not keep the node from reading what it sends, else two could wait for each other.
    /// </summary>
    internal bool TryTakeIncoming(ByteAccount account, int bytes, bool isRetry = false)
    {
        lock (_gate)
        {
            bool fits = account.Kind switch
            {
                HolderKind.Member => _incoming + bytes <= _bytesMax / 2,
                HolderKind.Application => _incomingOfApplications + bytes <= _bytesMax / IncomingPart,
                _ => Fits(account, bytes),
            };
            if (!fits)
            {
                _refused[(int)account.Kind] += isRetry ? 0 : 1;
                return false;
            }

            AddIncoming(account, bytes);
            return true;
        }
    }

    internal void ReturnIncoming(ByteAccount account, int bytes)
    {
        lock (_gate)
        {
            AddIncoming(account, -bytes);
            ForgetUnused(account);
        }
    }

    internal void Take(ByteAccount account, int bytes)
    {
        lock (_gate)
        {
            Add(account, bytes);
        }
    }

    internal void Return(ByteAccount account, int bytes)
    {
        lock (_gate)
        {
            Add(account, -bytes);
            ForgetUnused(account);
        }
    }

    internal void SetKind(ByteAccount account, HolderKind kind)
    {
        lock (_gate)
        {
            long held = account.HeldBytes;
            Add(account, -held);
            account.Kind = kind;
            Add(account, held);
        }
    }

    private bool Fits(ByteAccount account, int bytes)
    {
        if (account.HeldBytes + bytes <= FloorBytes)
        {
            return true;
        }

        long kindMax = account.Kind switch
        {
            HolderKind.Stranger => _bytesMax / StrangersPart,
            HolderKind.Application => _bytesMax - (_bytesMax / ApplicationsPart),
            _ => _bytesMax,
        };
        long kindHeld = account.Kind == HolderKind.Member ? _total : _held[(int)account.Kind];
        long free = Math.Min(kindMax - kindHeld, _bytesMax - _total) - bytes;
        if (free < 0)
        {
            return false;
        }

        long share = free + (bytes <= SmallBytes ? SmallReserveBytes : 0);
        if (account.Kind != HolderKind.Stranger)
        {
            return account.HeldBytes + bytes <= share;
        }

        // Half as much, so that the first behind an address leaves room there for others.
        return account.HeldBytes + bytes <= (free / 2) + (share - free)
            && (account.Address is null
                || _heldByAddress.GetValueOrDefault(account.Address) + bytes <= share);
    }

    private void AddIncoming(ByteAccount account, int bytes)
    {
        if (account.Kind == HolderKind.Application)
        {
            _incomingOfApplications += bytes;
        }
        else
        {
            _incoming += bytes;
        }

        Add(account, bytes);
    }

    private void Add(ByteAccount account, long bytes)
    {
        account.HeldBytes += bytes;
        _total += bytes;
        _peak = Math.Max(_peak, _total);
        _held[(int)account.Kind] += bytes;
        if (account is { Kind: HolderKind.Stranger, Address: { } address })
        {
            long held = _heldByAddress.GetValueOrDefault(address) + bytes;
            if (held == 0)
            {
                _heldByAddress.Remove(address);
            }
            else
            {
                _heldByAddress[address] = held;
            }
        }
    }

    private ByteAccount Find(Key id, IPAddress? address)
    {
        if (!_peers.TryGetValue(id, out ByteAccount? account))
        {
            account = new ByteAccount(this, HolderKind.Stranger, id, address);
            _peers.Add(id, account);
        }

        return account;
    }

    private void ForgetUnused(ByteAccount account)
    {
        if (account is { Users: 0, HeldBytes: 0, Node: { } id })
        {
            _peers.Remove(id);
        }
    }
}
