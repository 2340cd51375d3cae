using Igor.Dht.Cli;

Authorities.Forgo();
return await CommandLineProgram.RunAsync(ArgumentBytes.Exact(args), CommandStreams.Standard)
    .ConfigureAwait(false);
