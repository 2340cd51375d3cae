using Igor.Dht.Protocol;
using Igor.Dht.Protocol.Machines;
using Igor.Dht.Protocol.Records;
using Igor.Kbr;

namespace Igor.Dht;

/// <content>
/// Registers: one history per key. Each operation takes effect at one moment between its call and its end, or
/// not at all, and reads see what was written before; that takes a majority of the voters of the key. See
/// docs/guarantees.md.
/// </content>
public sealed partial class IgorDht
{
    /// <summary>Writes the register of a name, on a condition if the options name one.</summary>
    /// <param name="name">The name, 1 to 1024 bytes of UTF-8.</param>
    /// <param name="value">The value, 64 KiB at most; it is copied before the call returns its task.</param>
    /// <param name="options">How it is written.</param>
    /// <param name="cancellationToken">
    /// Cancelled under way, the call ends at once; what it has sent may have been written, or may be yet.
    /// </param>
    /// <returns>That it was written, and as which version; or that the condition did not hold.</returns>
    /// <exception cref="ArgumentException">
    /// The name has no UTF-8 or not its length, or an option is out of its range.
    /// </exception>
    /// <exception cref="DhtException">
    /// Unreachable: there is no majority that could be reached, and it was not written. Unknown: it may have
    /// been written, or may be yet, once at most. Refused: the value is too large, or there is no room.
    /// </exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public Task<RegisterResult> PutRegisterAsync(
        string name,
        ReadOnlyMemory<byte> value,
        RegisterOptions? options = null,
        CancellationToken cancellationToken = default) =>
        CallRegisterAsync(
            DhtKey.ForRegister(name), RegisterVerb.Put, value, options, cancellationToken);

    /// <summary>The same for a name that is any 1 to 1024 bytes.</summary>
    /// <inheritdoc cref="PutRegisterAsync(string, ReadOnlyMemory{byte}, RegisterOptions,
    /// CancellationToken)"/>
    public Task<RegisterResult> PutRegisterAsync(
        ReadOnlyMemory<byte> name,
        ReadOnlyMemory<byte> value,
        RegisterOptions? options = null,
        CancellationToken cancellationToken = default) =>
        CallRegisterAsync(
            DhtKey.ForRegister(name.Span), RegisterVerb.Put, value, options, cancellationToken);

    /// <summary>Reads the register of a name: all that was written before the call, or later.</summary>
    /// <param name="name">The name, 1 to 1024 bytes of UTF-8.</param>
    /// <param name="options">How long it may take; conditions mean nothing.</param>
    /// <param name="cancellationToken">Ends the call at once.</param>
    /// <exception cref="ArgumentException">
    /// The name has no UTF-8 or not its length, or an option is out of its range.
    /// </exception>
    /// <exception cref="DhtException">
    /// Unreachable: there is no majority that could be reached. That there is no value is a result.
    /// </exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public Task<RegisterResult> GetRegisterAsync(
        string name, RegisterOptions? options = null, CancellationToken cancellationToken = default) =>
        CallRegisterAsync(
            DhtKey.ForRegister(name), RegisterVerb.Get, default, options, cancellationToken);

    /// <summary>The same for a name that is any 1 to 1024 bytes.</summary>
    /// <inheritdoc cref="GetRegisterAsync(string, RegisterOptions, CancellationToken)"/>
    public Task<RegisterResult> GetRegisterAsync(
        ReadOnlyMemory<byte> name,
        RegisterOptions? options = null,
        CancellationToken cancellationToken = default) =>
        CallRegisterAsync(
            DhtKey.ForRegister(name.Span), RegisterVerb.Get, default, options, cancellationToken);

    /// <summary>Takes the value of the register of a name away, whether or not it has one.</summary>
    /// <inheritdoc cref="PutRegisterAsync(string, ReadOnlyMemory{byte}, RegisterOptions,
    /// CancellationToken)"/>
    public Task<RegisterResult> DeleteRegisterAsync(
        string name, RegisterOptions? options = null, CancellationToken cancellationToken = default) =>
        CallRegisterAsync(
            DhtKey.ForRegister(name), RegisterVerb.Delete, default, options, cancellationToken);

    /// <summary>The same for a name that is any 1 to 1024 bytes.</summary>
    /// <inheritdoc cref="PutRegisterAsync(string, ReadOnlyMemory{byte}, RegisterOptions,
    /// CancellationToken)"/>
    public Task<RegisterResult> DeleteRegisterAsync(
        ReadOnlyMemory<byte> name,
        RegisterOptions? options = null,
        CancellationToken cancellationToken = default) =>
        CallRegisterAsync(
            DhtKey.ForRegister(name.Span), RegisterVerb.Delete, default, options, cancellationToken);

    private async Task<RegisterResult> CallRegisterAsync(
        Key key,
        RegisterVerb verb,
        ReadOnlyMemory<byte> value,
        RegisterOptions? options,
        CancellationToken cancellationToken)
    {
        options ??= RegisterOptions.Default;
        options.Validate();
        OperationResult result = await _host.CallAsync(
            new DhtRegisterCall
            {
                Key = key,
                Verb = verb,
                Value = value.ToArray(),
                Precondition = options.IfAbsent ? RegisterPrecondition.Absent
                    : options.IfVersion is not null ? RegisterPrecondition.Version
                    : RegisterPrecondition.None,
                Expected = options.IfVersion ?? default,
                Timeout = options.Timeout ?? _options.Timeout,
            },
            cancellationToken).ConfigureAwait(false);
        return result.Register
            ?? throw await ExceptionForAsync(result.Failure!, cancellationToken).ConfigureAwait(false);
    }
}
