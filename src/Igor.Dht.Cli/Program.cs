using Igor.Dht.Cli;

return await CommandLineProgram.RunAsync(args, CommandStreams.Standard).ConfigureAwait(false);
