using Igor.Daemon;

return await DaemonProgram.RunAsync(ArgumentBytes.Exact(args), CommandStreams.Standard).ConfigureAwait(false);
