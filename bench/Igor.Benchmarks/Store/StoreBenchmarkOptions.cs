using System.Globalization;

namespace Igor.Benchmarks;

/// <summary>What the benchmark of the record store does.</summary>
internal sealed record StoreBenchmarkOptions
{
    /// <summary>Records written in each run with many writers.</summary>
    public int Records { get; init; } = 50_000;

    /// <summary>Bytes of a value.</summary>
    public int ValueBytes { get; init; } = 1024;

    /// <summary>Numbers of writes that are outstanding at once.</summary>
    public IReadOnlyList<int> Writers { get; } = [1, 16, 256];

    /// <summary>Runs of each measurement.</summary>
    public int Runs { get; init; } = 5;

    /// <summary>Seed of the values and of the order of reads.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>Where the stores are made, in a folder of their own.</summary>
    public string Folder { get; init; } = Path.GetTempPath();

    /// <inheritdoc/>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Records:n0} records of {ValueBytes} B, {Runs} runs, seed {Seed}, in {Folder}");
}
