using Bogus;
using Igor.Dht.Cli.Output;

namespace Igor.Dht.Cli.Demo;

/// <summary>A record of the demonstration: a customer of a shop that does not exist.</summary>
/// <param name="Name">Its name in the DHT.</param>
/// <param name="Value">A JSON document.</param>
internal sealed record DemoRecord(string Name, byte[] Value)
{
    /// <summary>Makes records that look real and are the same for the same seed.</summary>
    public static DemoRecord[] Generate(int count, int seed)
    {
        var faker = new Faker("en") { Random = new Randomizer(seed) };
        var records = new DemoRecord[count];
        for (int i = 0; i < count; i++)
        {
            records[i] = new DemoRecord($"customers/{i:D5}", Customer(faker));
        }

        return records;
    }

    private static byte[] Customer(Faker faker)
    {
        string first = faker.Name.FirstName();
        string last = faker.Name.LastName();
        // Not CompanyName, StreetName or City: they fill in templates by reflection: not in native programs.
        string company = $"{faker.Name.LastName()} {faker.Company.CompanySuffix()}";
        string street =
            $"{faker.Address.BuildingNumber()} {faker.Name.LastName()} {faker.Address.StreetSuffix()}";
        string city = faker.Name.LastName() + faker.Address.CitySuffix();
        string phone = faker.Phone.PhoneNumber();
        string note = faker.Lorem.Sentences(faker.Random.Int(1, 8), " ");
        string email = faker.Internet.Email(first, last);
        return JsonText.ObjectBytes(writer =>
        {
            writer.WriteString("name", $"{first} {last}");
            writer.WriteString("email", email);
            writer.WriteString("company", company);
            writer.WriteString("street", street);
            writer.WriteString("city", city);
            writer.WriteString("phone", phone);
            writer.WriteString("note", note);
        }).ToArray();
    }
}
