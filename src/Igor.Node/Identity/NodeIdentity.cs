using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Igor.Kbr;
using Igor.Node.Disk;
using Igor.Node.Reporting;

namespace Igor.Node.Identity;

/// <summary>
/// Who a node is: an ECDSA P-256 key pair. Its id is SHA-256 of the public key (SubjectPublicKeyInfo), so
/// nobody chooses a position on the ring freely, and its self-signed certificate proves the id to peers.
/// </summary>
public sealed class NodeIdentity : IDisposable
{
    private const int FileBytesMax = 16 * 1024;

    private NodeIdentity(ECDsa key)
    {
        using (key)
        {
            Certificate = SelfSign(key);
        }

        NodeId = IdOf(Certificate);
    }

    /// <summary>The node's id.</summary>
    public Key NodeId { get; }

    /// <summary>The self-signed certificate, with its private key.</summary>
    public X509Certificate2 Certificate { get; }

    /// <summary>A new identity that is kept nowhere.</summary>
    public static NodeIdentity CreateEphemeral() => new(ECDsa.Create(ECCurve.NamedCurves.nistP256));

    /// <summary>
    /// The identity kept in a data folder, as a PKCS#8 key in PEM that only its owner can read; the first
    /// call makes it.
    /// </summary>
    /// <exception cref="NodeStartException">
    /// The file is damaged, cannot be read or cannot be written; the message says which and what to do.
    /// </exception>
    public static NodeIdentity LoadOrCreate(DataFolder folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        string path = folder.Combine(DataFolder.IdentityFile);
        try
        {
            return File.Exists(path) ? Load(path) : Create(path);
        }
        catch (Exception problem) when (DiskTrouble.IsDisk(problem))
        {
            throw DiskTrouble.Explain("read or write the node's identity", path, problem);
        }
    }

    /// <summary>The id that a certificate proves: SHA-256 of its SubjectPublicKeyInfo.</summary>
    public static Key IdOf(X509Certificate2 certificate)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        return Key.HashOf(certificate.PublicKey.ExportSubjectPublicKeyInfo());
    }

    /// <inheritdoc/>
    public void Dispose() => Certificate.Dispose();

    private static NodeIdentity Create(string path)
    {
        ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        DurableFile.Write(
            path, Encoding.ASCII.GetBytes(key.ExportPkcs8PrivateKeyPem() + "\n"), replace: false);
        return new NodeIdentity(key);
    }

    private static NodeIdentity Load(string path)
    {
        if (new FileInfo(path).Length > FileBytesMax)
        {
            throw Damaged(path, null);
        }

        ECDsa key = ECDsa.Create();
        try
        {
            key.ImportFromPem(File.ReadAllText(path));
            if (key.ExportParameters(includePrivateParameters: true).D is not { Length: 32 } || !IsP256(key))
            {
                throw Damaged(path, null);
            }
        }
        catch (Exception problem) when (problem is CryptographicException or ArgumentException)
        {
            throw Damaged(path, problem);
        }

        return new NodeIdentity(key);
    }

    private static bool IsP256(ECDsa key) =>
        key.ExportParameters(includePrivateParameters: false).Curve.Oid.Value
            == ECCurve.NamedCurves.nistP256.Oid.Value;

    private static NodeStartException Damaged(string path, Exception? problem) => new(
        $"The node's identity in {path} is damaged. Restore it from a backup; or move it away, and the node "
        + "starts with a new identity.",
        problem);

    /// <summary>The dates mean nothing to peers, who look at the key only: clocks may be wrong.</summary>
    private static X509Certificate2 SelfSign(ECDsa key)
    {
        var request = new CertificateRequest("CN=igor", key, HashAlgorithmName.SHA256);
        return request.CreateSelfSigned(
            new DateTimeOffset(2020, 1, 1, 0, 0, 0, TimeSpan.Zero),
            new DateTimeOffset(9999, 1, 1, 0, 0, 0, TimeSpan.Zero));
    }
}
