namespace Igor.Kbr.Hosting;

/// <summary>What an <see cref="ApplicationTable{TService}"/> tells the host that drives it.</summary>
/// <typeparam name="TService">The host's handles.</typeparam>
internal interface IApplicationHost<in TService>
{
    /// <summary>Code of an application threw; the node goes on.</summary>
    /// <param name="service">Its handle.</param>
    /// <param name="upcall">What was called, for people.</param>
    /// <param name="problem">What it threw.</param>
    void NoteFailure(TService service, string upcall, Exception problem);

    /// <summary>A request ended; its callback is called next.</summary>
    /// <param name="service">Who asked.</param>
    /// <param name="status">How it ended.</param>
    /// <param name="heldBytes">What the host said is held for it until now.</param>
    void NoteRequestEnded(TService service, KbrStatus status, int heldBytes);
}
