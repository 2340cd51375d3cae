using System.Runtime.ExceptionServices;
using Igor.Kbr.Wire;

namespace Igor.Kbr.Overlay.Machines;

/// <summary>
/// The machines of a node, in the order in which each input is passed to them. A machine to which something
/// happened (a peer came, a ring changed) tells the others through this list and knows none of them.
/// </summary>
internal sealed class MachineList
{
    private Machine?[] _byType = [];
    private ImmutableArray<Machine> _machines = [];
    private ImmutableArray<TimedMachine> _timed = [];
    private ImmutableArray<IHearsSigns> _hearers = [];

    /// <summary>When some machine wants to be called; null for never.</summary>
    public TimeSpan? NextDeadline
    {
        get
        {
            TimeSpan? next = null;
            foreach (TimedMachine machine in _timed)
            {
                next = machine.NextDeadline is { } at && !(next <= at) ? at : next;
            }

            return next;
        }
    }

    public void Set(ImmutableArray<Machine> machines)
    {
        _machines = machines;
        _timed = [.. machines.OfType<TimedMachine>()];
        _hearers = [.. machines.OfType<IHearsSigns>()];
        foreach (Machine machine in machines)
        {
            foreach (MessageType type in machine.Messages)
            {
                Array.Resize(ref _byType, Math.Max(_byType.Length, (int)type + 1));
                if (_byType[(int)type] is { } other)
                {
                    throw new InvalidOperationException(
                        $"{machine.GetType().Name} and {other.GetType().Name} both handle {type}.");
                }

                _byType[(int)type] = machine;
            }
        }
    }

    /// <summary>The machine that handles messages of a type; null when none does.</summary>
    public Machine? For(MessageType type) =>
        (uint)type < (uint)_byType.Length ? _byType[(int)type] : null;

    public void Sign(TimeSpan now, Peer peer, in SignOfLife sign)
    {
        foreach (IHearsSigns machine in _hearers)
        {
            machine.HandleSign(now, peer, sign);
        }
    }

    public void Deadline(TimeSpan now)
    {
        foreach (TimedMachine machine in _timed)
        {
            machine.HandleDeadline(now);
        }
    }

    /// <summary>
    /// Passes an input on. After a fault of the host the other machines hear all the same: nobody would tell
    /// them again.
    /// </summary>
    public void Each(Action<Machine> passOn)
    {
        Exception? fault = null;
        foreach (Machine machine in _machines)
        {
            try
            {
                passOn(machine);
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                fault ??= e;
            }
        }

        if (fault is not null)
        {
            ExceptionDispatchInfo.Throw(fault);
        }
    }
}
