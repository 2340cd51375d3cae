using System.Buffers.Binary;
using System.Text;
using Igor.Dht.Protocol.Index;
using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht.Protocol.Replication;

/// <summary>
/// Keeps over a restart what a node could not learn anew: who was in the ring, so that it does not take a
/// part for the whole, which records it lacks, and how few replicas some have, so that it does not call what
/// is out of reach absent.
/// </summary>
internal sealed class KeptNotes(ReplicaContext context)
{
    private const string Members = "dht.members";
    private const string Lost = "dht.lost";
    private const string Replicas = "dht.replicas";

    /// <summary>Bytes of a note, at most: what a store keeps.</summary>
    private const int BytesMax = 64 * 1024;

    /// <summary>Bytes of a key and a version.</summary>
    private const int LostBytes = Key.SizeInBytes + (2 * sizeof(ulong));

    /// <summary>Most losses in the note, the newest.</summary>
    private const int LostMax = BytesMax / LostBytes;

    // Changes come in swarms: one write for all of them.
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly Dictionary<string, byte[]> _kept = [];
    private bool _hasMembers;

    /// <summary>When <see cref="HandleDeadline"/> wants to be called, or null for never.</summary>
    public TimeSpan? NextDeadline { get; private set; }

    /// <summary>
    /// Takes up what was kept; after the index is complete. Whether it was in a ring: then the node may have
    /// given others its word.
    /// </summary>
    public bool Recall(Func<string, byte[]?> read)
    {
        var members = new List<Key>();
        ReadOnlySpan<byte> network = Network();
        ReadOnlySpan<byte> note = Read(Members, read);
        note = note.StartsWith(network) ? note[network.Length..] : [];
        for (; note.Length >= Key.SizeInBytes; note = note[Key.SizeInBytes..])
        {
            members.Add(Key.Read(note));
        }

        if (!context.Options.Found)
        {
            context.Membership.Recall(context.Now.Monotonic, members);
        }

        if (Read(Replicas, read) is [>= 1 and byte fewest])
        {
            context.HandleReplicas(fewest);
        }

        for (note = Read(Lost, read); note.Length >= LostBytes; note = note[LostBytes..])
        {
            var key = Key.Read(note);
            var version = new RecordVersion(
                BinaryPrimitives.ReadUInt64BigEndian(note[Key.SizeInBytes..]),
                BinaryPrimitives.ReadUInt64BigEndian(note[(Key.SizeInBytes + sizeof(ulong))..]));

            if (!context.Index.TryGet(key, out Holding held) || held.Version < version)
            {
                context.Lacked.Add(key, version, expiresAtUnixMs: 0, _ => false);
            }
        }

        _hasMembers = members.Exists(id => id != context.Membership.Self);
        return members.Count > 0;
    }

    /// <summary>Something changed that is to be kept: that the node is no more alone, at once.</summary>
    public void HandleChange()
    {
        NextDeadline ??= context.Now.Monotonic + Pause;
        if (!_hasMembers && context.Membership.ToRemember().Any())
        {
            Flush();
        }
    }

    /// <summary>There are records with fewer copies: that is kept at once.</summary>
    public void FlushFewer()
    {
        NextDeadline ??= context.Now.Monotonic;
        Flush();
    }

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
            Key[] members = [.. context.Membership.ToRemember()];
            _hasMembers = members.Length > 0;
            Keep(Members, MembersNote(members));
            Keep(Lost, LostNote());
            Keep(Replicas, [(byte)context.FewestReplicas]);
        }
    }

    /// <summary>
    /// Keeps what changed, and of the members only itself: the node has gone for good. Started again it was
    /// in a ring, but is a newcomer, whom the others tell who is there; who went after it nobody expects.
    /// </summary>
    public void FlushForGood()
    {
        Flush();
        Keep(Members, MembersNote([context.Membership.Self]));
    }

    /// <summary>
    /// What the note of the members begins with: the length of the network's name, and its name. A folder can
    /// be moved into another network, where nobody waits for those of the old one.
    /// </summary>
    private byte[] Network()
    {
        int length = Encoding.UTF8.GetByteCount(context.Options.Network);
        byte[] network = new byte[sizeof(ushort) + length];
        BinaryPrimitives.WriteUInt16BigEndian(network, (ushort)length);
        Encoding.UTF8.GetBytes(context.Options.Network, network.AsSpan(sizeof(ushort)));
        return network;
    }

    private byte[] MembersNote(ReadOnlySpan<Key> members)
    {
        byte[] network = Network();
        byte[] note = new byte[network.Length + (members.Length * Key.SizeInBytes)];
        network.CopyTo(note, 0);
        for (int at = 0; at < members.Length; at++)
        {
            members[at].Write(note.AsSpan(network.Length + (at * Key.SizeInBytes)));
        }

        return note;
    }

    private byte[] LostNote()
    {
        KeyVersion[] newest = [.. context.Lacked.All.TakeLast(LostMax)];
        byte[] note = new byte[newest.Length * LostBytes];
        for (int at = 0; at < newest.Length; at++)
        {
            Span<byte> entry = note.AsSpan(at * LostBytes, LostBytes);
            newest[at].Key.Write(entry);
            BinaryPrimitives.WriteUInt64BigEndian(entry[Key.SizeInBytes..], newest[at].Version.Clock);
            BinaryPrimitives.WriteUInt64BigEndian(
                entry[(Key.SizeInBytes + sizeof(ulong))..], newest[at].Version.Writer);
        }

        return note;
    }

    private byte[] Read(string note, Func<string, byte[]?> read) => _kept[note] = read(note) ?? [];

    private void Keep(string note, byte[] content)
    {
        if (!content.AsSpan().SequenceEqual(_kept.GetValueOrDefault(note)))
        {
            _kept[note] = content;
            context.Remember(note, content);
        }
    }
}
