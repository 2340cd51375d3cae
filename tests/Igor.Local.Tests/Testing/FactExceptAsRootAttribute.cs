namespace Igor.Local.Tests.Testing;

/// <summary>A fact that means nothing for root, who may do everything.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class FactExceptAsRootAttribute : FactAttribute
{
    public FactExceptAsRootAttribute()
    {
        if (Environment.UserName == "root")
        {
            Skip = "root is refused nothing; run as another user";
        }
    }
}
