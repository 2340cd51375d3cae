using System.CommandLine;
using Igor.Dht.Cli.CommandLine;
using Igor.Dht.Cli.Failures;
using Igor.Dht.Protocol;
using Igor.Kbr;

namespace Igor.Dht.Cli.Commands;

/// <summary>
/// The options that say that a command is about a register, and on which condition it writes.
/// </summary>
internal sealed class RegisterCommandOptions
{
    private readonly Option<string> _type = RangedOption.Word(
        "--type",
        "A value, of which the last write wins; or a register, which has one history: a majority of its "
            + "voters answers, or nobody",
        "value",
        "register");

    private readonly Option<string?> _ifVersion = new("--if-version")
    {
        HelpName = "VERSION",
        Description = "Only if the register has this version, as get and put show it; else exit with 6",
    };

    private readonly Option<bool> _ifAbsent = new("--if-absent")
    {
        Description = "Only if the register has no value; else exit with 6",
    };

    /// <summary>Adds the options to a command that reads.</summary>
    public void AddTypeTo(Command command) => command.Add(_type);

    /// <summary>Adds the options to a command that writes.</summary>
    public void AddTo(Command command)
    {
        command.Add(_type);
        command.Add(_ifVersion);
        command.Add(_ifAbsent);
    }

    /// <summary>Whether the command is about a register.</summary>
    public bool IsRegister(ParseResult arguments) => arguments.GetValue(_type) == "register";

    /// <summary>On which condition it writes.</summary>
    /// <param name="arguments">What the command line says.</param>
    /// <param name="others">Options that mean something for records only.</param>
    /// <exception cref="CommandFailure">Options do not go together.</exception>
    public RegisterOptions Read(ParseResult arguments, params Option[] others)
    {
        bool isRegister = IsRegister(arguments);
        if (!isRegister && (IsGiven(arguments, _ifAbsent) || IsGiven(arguments, _ifVersion)))
        {
            throw CommandFailure.Usage("a condition needs --type register: a value has no one history");
        }

        foreach (Option other in isRegister ? others : [])
        {
            if (IsGiven(arguments, other))
            {
                throw CommandFailure.Usage($"{other.Name} does not go with --type register");
            }
        }

        RegisterStamp? stamp = null;
        if (arguments.GetValue(_ifVersion) is { } text)
        {
            stamp = RegisterStamp.TryParse(text, out RegisterStamp parsed)
                ? parsed
                : throw CommandFailure.Usage(
                    $"--if-version is a version as igor-dht get --type register shows it, such as "
                    + $"{new RegisterStamp(3, 17, 0x9f2c41d08e7a5b66)}, not '{PrintableText.Of(text)}'");
        }

        bool isAbsent = arguments.GetValue(_ifAbsent);
        return isAbsent && stamp is not null
            ? throw CommandFailure.Usage("--if-absent and --if-version cannot both hold: give one")
            : RegisterOptions.Default with { IfVersion = stamp, IfAbsent = isAbsent };
    }

    private static bool IsGiven(ParseResult arguments, Option option) =>
        arguments.GetResult(option) is { Implicit: false };
}
