using Igor.Simulation.Cli;
using Igor.Testing;

namespace Igor.Simulation.Tests.Cli;

public sealed class NamedFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("none.csv", "it does not exist")]
    [InlineData("none/at-all.csv", "a folder on the way does not exist")]
    [InlineData(".", "it is a folder")]
    public void Says_why_and_what_to_name(string name, string cause)
    {
        string path = Path.Combine(_folder.Path, name);

        IOException problem = Assert.Throws<IOException>(
            () => NamedFile.Use("--csv", path, "another", () => File.OpenRead(path)));

        Assert.Equal($"--csv {path}: {cause}; name another", problem.Message);
    }
}
