using Igor.Kbr;

namespace Igor.Dht.Protocol;

/// <summary>
/// Keeps over a restart what a node could not learn anew: who was in the ring, so that it does not take a
/// part for the whole, and which records it lost, so that it does not call them absent.
/// </summary>
internal sealed class KeptNotes(DhtContext context)
{
    private const string Members = "dht.members";
    private const string Damaged = "dht.damaged";

    /// <summary>Most keys in a note, the newest: 64 KiB of them.</summary>
    private const int KeysMax = 2048;

    // Changes come in swarms: one write for all of them.
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly Dictionary<string, byte[]> _kept = [];

    /// <summary>When <see cref="HandleDeadline"/> wants to be called, or null for never.</summary>
    public TimeSpan? NextDeadline { get; private set; }

    /// <summary>Takes up what was kept; after the index is complete.</summary>
    public void Recall(Func<string, byte[]?> read)
    {
        context.Membership.Recall(context.Now.Monotonic, KeysOf(Members, read));
        foreach (Key key in KeysOf(Damaged, read))
        {
            if (!context.Index.TryGet(key, out _))
            {
                context.Damaged.Add(key);
            }
        }
    }

    /// <summary>Something changed that is to be kept.</summary>
    public void HandleChange() => NextDeadline ??= context.Now.Monotonic + Pause;

    /// <summary>The deadline may have passed.</summary>
    public void HandleDeadline()
    {
        if (NextDeadline <= context.Now.Monotonic)
        {
            Flush();
        }
    }

    /// <summary>Keeps what changed at once.</summary>
    public void Flush()
    {
        if (NextDeadline is not null)
        {
            NextDeadline = null;
            Keep(Members, context.Membership.ToRemember());
            Keep(Damaged, context.Damaged.Keys);
        }
    }

    private List<Key> KeysOf(string note, Func<string, byte[]?> read)
    {
        byte[] content = read(note) ?? [];
        _kept[note] = content;
        var keys = new List<Key>();
        for (int at = 0; at + Key.SizeInBytes <= content.Length; at += Key.SizeInBytes)
        {
            keys.Add(Key.Read(content.AsSpan(at)));
        }

        return keys;
    }

    private void Keep(string note, IEnumerable<Key> keys)
    {
        Key[] newest = [.. keys.TakeLast(KeysMax)];
        var content = new byte[newest.Length * Key.SizeInBytes];
        for (int at = 0; at < newest.Length; at++)
        {
            newest[at].Write(content.AsSpan(at * Key.SizeInBytes));
        }

        if (!content.AsSpan().SequenceEqual(_kept.GetValueOrDefault(note)))
        {
            _kept[note] = content;
            context.Remember(note, content);
        }
    }
}
