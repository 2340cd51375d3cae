using Igor.Dht.Cli;

return await CommandLineProgram.RunAsync(ArgumentBytes.Exact(args), CommandStreams.Standard)
    .ConfigureAwait(false);
