namespace Igor.Architecture.Tests;

/// <summary>How a rule fails: with every place that breaks it.</summary>
internal static class Rule
{
    /// <summary>Fails when there are violations, and lists them all.</summary>
    public static void HasNo(IEnumerable<string> violations)
    {
        string[] found = [.. violations];
        Assert.True(found.Length == 0, $"{found.Length} violations:\n{string.Join('\n', found)}");
    }
}
