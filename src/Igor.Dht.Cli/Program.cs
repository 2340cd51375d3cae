using Igor.Dht.Cli.CommandLine;

return await CommandLineProgram.RunAsync(ArgumentBytes.Exact(args), CommandStreams.Standard)
    .ConfigureAwait(false);
