using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Igor.Kbr;
using Igor.Node.Disk;
using Igor.Node.Identity;
using Igor.Node.Reporting;
using Igor.Testing;

namespace Igor.Node.Tests;

public sealed class NodeIdentityTests
{
    [Fact]
    public void Identity_on_disk_is_the_same_in_the_next_run_and_private()
    {
        using var temporary = new TemporaryFolder();
        using DataFolder folder = DataFolder.Open(temporary.Path);
        using NodeIdentity first = NodeIdentity.LoadOrCreate(folder);
        using NodeIdentity second = NodeIdentity.LoadOrCreate(folder);
        Assert.Equal(first.NodeId, second.NodeId);
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(
                UnixFileMode.UserRead | UnixFileMode.UserWrite,
                File.GetUnixFileMode(folder.Combine("identity.pem")));
        }
    }

    [Fact]
    public void Id_is_the_hash_of_the_public_key()
    {
        using NodeIdentity identity = NodeIdentity.CreateEphemeral();
        using ECDsa key = identity.Certificate.GetECDsaPublicKey()!;
        Assert.Equal(Key.HashOf(key.ExportSubjectPublicKeyInfo()), identity.NodeId);
    }

    [Fact]
    public void Ephemeral_identities_differ()
    {
        using NodeIdentity first = NodeIdentity.CreateEphemeral();
        using NodeIdentity second = NodeIdentity.CreateEphemeral();
        Assert.NotEqual(first.NodeId, second.NodeId);
    }

    public static TheoryData<string> Damaged => new()
    {
        string.Empty,
        "garbage",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        ECDsa.Create(ECCurve.NamedCurves.nistP384).ExportPkcs8PrivateKeyPem(),
        ECDsa.Create(ECCurve.NamedCurves.nistP256).ExportSubjectPublicKeyInfoPem(),
        new string('x', 20_000),
    };

    [Theory]
    [MemberData(nameof(Damaged))]
    public void Damaged_file_is_refused_by_name_and_kept(string content)
    {
        using var temporary = new TemporaryFolder();
        using DataFolder folder = DataFolder.Open(temporary.Path);
        string path = folder.Combine("identity.pem");
        File.WriteAllText(path, content);
        var problem = Assert.Throws<NodeStartException>(() => NodeIdentity.LoadOrCreate(folder));
        Assert.Contains(path, problem.Message, StringComparison.Ordinal);
        Assert.Contains("damaged", problem.Message, StringComparison.Ordinal);
        Assert.Equal(content, File.ReadAllText(path));
    }

    [Fact]
    public void Place_that_cannot_be_read_is_refused_by_name()
    {
        using var temporary = new TemporaryFolder();
        using DataFolder folder = DataFolder.Open(temporary.Path);
        Directory.CreateDirectory(folder.Combine("identity.pem"));
        var problem = Assert.Throws<NodeStartException>(() => NodeIdentity.LoadOrCreate(folder));
        Assert.Contains("identity.pem", problem.Message, StringComparison.Ordinal);
    }
}
