using System.Runtime.InteropServices;
using Igor.Kbr;
using Igor.Node.Reporting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace Igor.Daemon;

/// <summary>igord from its arguments to its exit code.</summary>
internal static class DaemonProgram
{
    private static readonly TimeSpan ShutdownTimeout = TimeSpan.FromSeconds(15);

    /// <summary>Runs the daemon until it is told to end, and returns its exit code.</summary>
    public static async Task<int> RunAsync(string[] arguments, CommandStreams streams)
    {
        try
        {
            if (Array.Find(arguments, argument => !ArgumentBytes.IsText(argument)) is { } wrong)
            {
                throw DaemonFailure.Usage($"the argument '{PrintableText.Of(wrong)}' is not valid UTF-8");
            }

            await using var output = new StreamWriter(streams.Out, leaveOpen: true) { AutoFlush = true };
            return await new DaemonCommandLine().RunAsync(
                arguments, output, (settings, file) => ServeAsync(settings, file, streams))
                .ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is NodeStartException or KbrException)
        {
            var failure = new DaemonFailure(DaemonExitCode.Local, exception.Message, exception);
            return Report(failure, arguments, streams);
        }
        catch (DaemonFailure failure)
        {
            return Report(failure, arguments, streams);
        }
        catch (IOException problem)
        {
            streams.WriteErrorLine($"igord: {problem.Message}"); // standard output cannot be written
            return DaemonExitCode.Local;
        }
    }

    private static int Report(DaemonFailure failure, string[] arguments, CommandStreams streams)
    {
        streams.WriteErrorLine(ReadyLine.Of(failure, isJson: Array.IndexOf(arguments, "--json") >= 0));
        return failure.ExitCode;
    }

    private static async Task<int> ServeAsync(
        DaemonSettings arguments, string? configuration, CommandStreams streams)
    {
        DaemonSettings settings = Combine(arguments, configuration);
        settings.ToNodeOptions(); // wrong values are found before anything starts
        using IHost host = Build(settings, streams);
        IHostApplicationLifetime lifetime = host.Services.GetRequiredService<IHostApplicationLifetime>();
        using PosixSignalRegistration hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
        {
            context.Cancel = true; // a terminal that closes ends the daemon like SIGTERM
            lifetime.StopApplication();
        });
        try
        {
            await host.StartAsync().ConfigureAwait(false);
            await host.WaitForShutdownAsync().ConfigureAwait(false);
            host.Services.GetRequiredService<NodeHostedService>().ThrowIfSuperseded();
        }
        catch (OperationCanceledException)
        {
            // Told to end while it was starting: the node has been closed by then.
        }

        return DaemonExitCode.Done;
    }

    private static DaemonSettings Combine(DaemonSettings arguments, string? configuration)
    {
        DaemonSettings settings = arguments.Over(
            DaemonSettings.FromEnvironment(Environment.GetEnvironmentVariable));
        string? named = configuration ?? Environment.GetEnvironmentVariable("IGOR_CONFIG");
        string path = string.IsNullOrEmpty(named)
            ? Path.Combine(settings.DataFolderPath, DaemonSettings.FileName)
            : named;
        return string.IsNullOrEmpty(named) && !File.Exists(path)
            ? settings
            : settings.Over(SettingsFile.Read(path));
    }

    private static IHost Build(DaemonSettings settings, CommandStreams streams)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(
            new HostApplicationBuilderSettings { ApplicationName = "igord" });
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = ShutdownTimeout);
        builder.Services.AddSingleton(settings).AddSingleton(streams);
        builder.Services.AddSingleton<NodeHostedService>();
        builder.Services.AddHostedService(services => services.GetRequiredService<NodeHostedService>());
        builder.Logging
            .SetMinimumLevel(settings.LogLevel ?? LogLevel.Warning)
            .AddFilter("Microsoft", LogLevel.None) // a failed start is reported in one line, by this class
            .AddConsole(console =>
            {
                console.FormatterName = LogLine.FormatterName;
                console.LogToStandardErrorThreshold = LogLevel.Trace;
            })
            .Services.AddSingleton<ConsoleFormatter, LogLine>(); // AddConsoleFormatter needs reflection
        if (OperatingSystem.IsLinux()
            && Environment.GetEnvironmentVariable("NOTIFY_SOCKET") is { Length: > 0 })
        {
            // Not AddSystemd: that looks at the name of the parent process, which a wrapper hides.
            builder.Services.AddSingleton<ISystemdNotifier, SystemdNotifier>();
            builder.Services.AddSingleton<IHostLifetime, SystemdLifetime>();
        }

        return builder.Build();
    }
}
