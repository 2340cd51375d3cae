using System.CommandLine;
using Igor.Simulation.Cli;

CommandStreams streams = CommandStreams.Standard;
if (!Array.TrueForAll(ArgumentBytes.Exact(args), ArgumentBytes.IsText))
{
    streams.WriteErrorLine("igor-sim: an argument is not valid UTF-8");
    return SimCommand.ExitFailed;
}

try
{
    if (streams.Out is DescriptorStream { IsClosed: true })
    {
        throw new IOException("standard output is closed");
    }

    return await SimCommand.Create().Parse(args).InvokeAsync(
        new InvocationConfiguration
        {
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = null, // a run looks at no token: it ends as soon as it is told to
        });
}
catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
{
    streams.WriteErrorLine("igor-sim: " + problem.Message); // the output cannot be written
    return SimCommand.ExitLocalTrouble;
}
