using Igor.Daemon;

Authorities.Forgo();
SocketThreads.Work();
return await DaemonProgram.RunAsync(ArgumentBytes.Exact(args), CommandStreams.Standard).ConfigureAwait(false);
