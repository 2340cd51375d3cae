using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

// What the overlay's hot paths cost in one process; docs/benchmarks.md keeps the results that count. In this
// process, since a benchmark of two that generates and builds a project of its own measures the same code.
ManualConfig config = ManualConfig.Create(DefaultConfig.Instance)
    .AddJob(Job.Default
        .WithToolchain(InProcessEmitToolchain.Instance)
        .WithWarmupCount(5)
        .WithIterationCount(15))
    .HideColumns(Column.Error, Column.RatioSD)
    .WithArtifactsPath(Path.Combine(Path.GetTempPath(), "igor-microbench"));
BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args, config);
