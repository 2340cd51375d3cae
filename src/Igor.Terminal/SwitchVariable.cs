namespace Igor.Terminal;

/// <summary>An environment variable that is on or off.</summary>
internal static class SwitchVariable
{
    /// <summary>Reads it; null when it is not set, or when its value is neither.</summary>
    /// <param name="name">The variable.</param>
    /// <param name="value">What it holds; null when it is not set.</param>
    /// <param name="fault">What is wrong with the value, for people; null when nothing is.</param>
    public static bool? Parse(string name, string? value, out string? fault)
    {
        bool? isOn = value switch
        {
            "1" or "true" => true,
            "0" or "false" => false,
            _ => null,
        };
        fault = value is null || isOn is not null ? null : $"{name} is 1 or 0, not '{value}'";
        return isOn;
    }
}
