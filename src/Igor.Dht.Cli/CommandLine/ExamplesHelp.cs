using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Igor.Dht.Cli.CommandLine;

/// <summary>The usual help text, followed by the command's examples.</summary>
internal sealed class ExamplesHelp(HelpAction help) : SynchronousCommandLineAction
{
    /// <inheritdoc/>
    public override bool ClearsParseErrors => true;

    /// <summary>Gives the help option of a root command the examples.</summary>
    public static void AddTo(RootCommand root)
    {
        foreach (Option option in root.Options)
        {
            if (option is HelpOption { Action: HelpAction action } helpOption)
            {
                helpOption.Action = new ExamplesHelp(action);
            }
        }
    }

    /// <inheritdoc/>
    public override int Invoke(ParseResult parseResult)
    {
        int code = help.Invoke(parseResult);
        parseResult.InvocationConfiguration.Output.Flush();
        if (parseResult.CommandResult.Command is CliCommand command)
        {
            parseResult.InvocationConfiguration.Output.WriteLine(
                "Examples:\n  " + string.Join("\n  ", command.Examples) + "\n");
        }

        return code;
    }
}
