namespace Igor.Simulation.Histories;

/// <summary>What a call does; some only to registers, some only to a `value`.</summary>
internal enum CallVerb
{
    Get,
    Put,
    Delete,

    /// <summary>A register is written if it has no value.</summary>
    PutIfAbsent,

    /// <summary>A register is written if it is as the client saw it last.</summary>
    PutIfVersion,

    /// <summary>A `value` is read by majority.</summary>
    GetByMajority,

    /// <summary>A `value` is written, and one copy is enough.</summary>
    PutAnywhere,

    /// <summary>A `value` is written that ends within seconds.</summary>
    PutForSeconds,
}

/// <summary>A call that a client is going to make.</summary>
/// <param name="Number">Tells it from all others; also the value that it writes.</param>
/// <param name="At">When, or as soon as the client's call before has ended.</param>
/// <param name="Client">Who.</param>
/// <param name="Via">The node that the client is at.</param>
/// <param name="Key">Place of the key in the plan.</param>
/// <param name="Verb">What.</param>
/// <param name="Timeout">How long the client waits.</param>
internal sealed record PlannedCall(
    int Number, TimeSpan At, int Client, int Via, int Key, CallVerb Verb, TimeSpan Timeout)
{
    /// <summary>How long what is put for seconds lives.</summary>
    public TimeSpan Life => TimeSpan.FromSeconds(3 + (Number % 12));
}
