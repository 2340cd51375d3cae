using Igor.Kbr.Overlay.Addresses;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Overlay.Rings;

/// <summary>
/// Members of the ring that this node knows and has no connection to: known from an earlier run, or lost in
/// this one. They are expected back, so a node that reaches nobody while it knows some is no ring of its own.
/// Who left in order is not among them.
/// </summary>
internal sealed class AwayMembers
{
    /// <summary>Enough that some of them live after a long absence.</summary>
    public const int CountMax = 64;

    /// <summary>How long the ring goes on without a member before that one is given up.</summary>
    private static readonly TimeSpan AwayMax = TimeSpan.FromHours(1);

    private readonly List<Away> _away = [];

    /// <summary>Those who are away, the ones known for longest first.</summary>
    public IEnumerable<Contact> All => _away.Select(a => a.Contact);

    /// <summary>Those of them with an address that this node may connect to.</summary>
    public IEnumerable<Contact> Reachable => All.Where(contact => !contact.Addresses.IsEmpty);

    /// <summary>Who told where a member is: it itself; null for one of an earlier run.</summary>
    public Teller? TellerOf(Key id) => _away.Find(a => a.Contact.Id == id).Teller;

    public int Count => _away.Count;

    /// <summary>Takes up what was known in an earlier run; who was met in this one displaces it.</summary>
    public void Recall(TimeSpan now, Key self, IEnumerable<KnownMember> members)
    {
        IEnumerable<KnownMember> others = members.Where(m => m.Id != self && m.Addresses.Length > 0);
        foreach (KnownMember member in others.Take(CountMax))
        {
            _away.Add(new Away(new Contact(member.Id, member.Addresses), now, TimeSpan.Zero, null));
        }
    }

    /// <summary>
    /// A member was lost. When there are too many, that which was connected for the shortest time goes: ids
    /// made up to push the others out last no longer than they have to.
    /// </summary>
    public void Add(TimeSpan now, Contact contact, TimeSpan connectedFor, Teller teller)
    {
        Remove(contact.Id);
        _away.Add(new Away(contact, now, connectedFor, teller));
        if (_away.Count > CountMax)
        {
            _away.Remove(_away.MinBy(a => a.ConnectedFor));
        }
    }

    /// <summary>The member is back, or has left for good.</summary>
    public void Remove(Key id) => _away.RemoveAll(a => a.Contact.Id == id);

    /// <summary>The member is not at that address any more: another node answers there.</summary>
    public void HandleReplaced(Key id, string address)
    {
        int index = _away.FindIndex(a => a.Contact.Id == id);
        if (index < 0)
        {
            return;
        }

        ImmutableArray<string> left = _away[index].Contact.Addresses.Remove(address);
        if (left.IsEmpty)
        {
            _away.RemoveAt(index);
        }
        else
        {
            _away[index] = _away[index] with { Contact = new Contact(id, left) };
        }
    }

    /// <summary>
    /// Gives up those without whom the ring has gone on for long. While this node reaches nobody it cannot
    /// tell, and gives up none.
    /// </summary>
    public void Expire(TimeSpan now, bool isInRing)
    {
        if (isInRing)
        {
            _away.RemoveAll(a => now - a.Since > AwayMax);
            return;
        }

        for (int at = 0; at < _away.Count; at++)
        {
            _away[at] = _away[at] with { Since = now };
        }
    }

    /// <param name="Contact">Who, and where.</param>
    /// <param name="Since">When it was lost.</param>
    /// <param name="ConnectedFor">How long it was connected.</param>
    /// <param name="Teller">Itself, which told where it is; null for one of an earlier run.</param>
    private readonly record struct Away(
        Contact Contact, TimeSpan Since, TimeSpan ConnectedFor, Teller? Teller);
}
