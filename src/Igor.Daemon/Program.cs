using Igor.Daemon;

return await DaemonProgram.RunAsync(args).ConfigureAwait(false);
