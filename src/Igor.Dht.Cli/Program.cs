using Igor.Dht.Cli;

Authorities.Forgo();
SocketThreads.Work();
return await CommandLineProgram.RunAsync(ArgumentBytes.Exact(args), CommandStreams.Standard)
    .ConfigureAwait(false);
