using Igor.Daemon;

Authorities.Forgo();
return await DaemonProgram.RunAsync(ArgumentBytes.Exact(args), CommandStreams.Standard).ConfigureAwait(false);
