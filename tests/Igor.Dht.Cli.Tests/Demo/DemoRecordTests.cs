using System.Text.Json;
using Igor.Dht.Cli.Demo;

namespace Igor.Dht.Cli.Tests;

public class DemoRecordTests
{
    [Fact]
    public void Records_of_the_same_seed_are_the_same()
    {
        DemoRecord[] first = DemoRecord.Generate(20, seed: 3);
        DemoRecord[] second = DemoRecord.Generate(20, seed: 3);
        DemoRecord[] other = DemoRecord.Generate(20, seed: 4);

        Assert.Equal(first.Select(record => record.Value), second.Select(record => record.Value));
        Assert.NotEqual(first.Select(record => record.Value), other.Select(record => record.Value));
    }

    [Fact]
    public void Records_are_customers_with_names_of_their_own()
    {
        DemoRecord[] records = DemoRecord.Generate(200, seed: 1);

        Assert.Equal(200, records.Select(record => record.Name).Distinct().Count());
        Assert.All(records, record =>
        {
            using JsonDocument customer = JsonDocument.Parse(record.Value);
            JsonElement email = customer.RootElement.GetProperty("email");
            Assert.Contains("@", email.GetString(), StringComparison.Ordinal);
            Assert.NotEmpty(customer.RootElement.GetProperty("name").GetString()!);
        });
    }
}
