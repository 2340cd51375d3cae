using Igor.Dht.Protocol;
using Igor.Kbr;

namespace Igor.Dht;

/// <content>Members that are dead for good.</content>
public sealed partial class IgorDht
{
    /// <summary>
    /// What it would mean to give a member up (see <see cref="ForgetAsync(Key, CancellationToken)"/>).
    /// </summary>
    /// <param name="member">The id of the node.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="DhtException">Nobody near that member could be reached in time.</exception>
    public Task<ForgetResult> AskToForgetAsync(Key member, CancellationToken cancellationToken = default) =>
        ForgetAsync(member, isMeant: false, cancellationToken);

    /// <summary>
    /// Gives a member up that is dead for good: those near it count it in no majority any more. What it held
    /// alone is lost then, and if it lives after all, cut off from the others, both may go on apart.
    /// </summary>
    /// <param name="member">The id of the node; nothing is done when it is there.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="DhtException">Nobody near that member could be reached in time.</exception>
    public Task<ForgetResult> ForgetAsync(Key member, CancellationToken cancellationToken = default) =>
        ForgetAsync(member, isMeant: true, cancellationToken);

    private async Task<ForgetResult> ForgetAsync(
        Key member, bool isMeant, CancellationToken cancellationToken) =>
        await _host.ForgetAsync(member, isMeant, _options.Timeout, cancellationToken).ConfigureAwait(false)
        ?? throw new DhtException(
            DhtError.Unreachable,
            $"No node near {member.ToShortString()} answered within {_options.Timeout.TotalSeconds:0.#} s.");
}
