using Igor.Simulation;

return await SimCommand.Create().Parse(args).InvokeAsync();
