using System.Runtime.InteropServices;

namespace Igor.Dht.Cli.CommandLine;

/// <summary>
/// Turns the first Ctrl-C, SIGTERM or SIGHUP into a cancellation, so that a command can end in order; the
/// second one ends the process at once, as it would without this.
/// </summary>
internal sealed class Interruption : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly PosixSignalRegistration[] _registrations;
    private PosixSignal _signal = PosixSignal.SIGINT;

    public Interruption() => _registrations =
    [
        PosixSignalRegistration.Create(PosixSignal.SIGINT, Handle),
        PosixSignalRegistration.Create(PosixSignal.SIGTERM, Handle),
        PosixSignalRegistration.Create(PosixSignal.SIGHUP, Handle),
    ];

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Token => _source.Token;

    /// <summary>What the process exits with because of the signal, as shells count it.</summary>
    public int ExitCode => _signal switch
    {
        PosixSignal.SIGHUP => Failures.ExitCode.HungUp,
        PosixSignal.SIGTERM => Failures.ExitCode.Terminated,
        _ => Failures.ExitCode.Interrupted,
    };

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations)
        {
            registration.Dispose();
        }

        _source.Dispose();
    }

    private void Handle(PosixSignalContext context)
    {
        if (!_source.IsCancellationRequested)
        {
            context.Cancel = true;
            _signal = context.Signal;
            _source.Cancel();
        }
    }
}
