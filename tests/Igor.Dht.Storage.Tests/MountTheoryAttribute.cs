namespace Igor.Dht.Storage.Tests;

/// <summary>Like <see cref="MountFactAttribute"/>, with cases.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class MountTheoryAttribute : TheoryAttribute
{
    public MountTheoryAttribute() => Skip = new MountFactAttribute().Skip;
}
