namespace Igor.Kbr;

/// <summary>
/// An application that cannot decide about a passing message at once, such as one at the other end of a local
/// socket. A node that hosts it calls <see cref="ForwardLater"/> instead of
/// <see cref="IKbrApplication.Forward"/>.
/// </summary>
public interface IKbrDeferringApplication : IKbrApplication
{
    /// <summary>A message of the service passes through this node and waits for a decision.</summary>
    /// <param name="message">The message; its payload is valid during the upcall only.</param>
    /// <param name="decide">
    /// To be called once, from any thread, during the upcall or later. A message without a decision goes on
    /// as it is after a while.
    /// </param>
    void ForwardLater(in KbrForward message, Action<ForwardDecision> decide);
}
