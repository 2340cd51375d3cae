namespace Igor.Dht.Protocol.Index;

/// <summary>
/// What the records of one owner, or of one type, take together; and numbers in place of owners and types,
/// of which many records have the same.
/// </summary>
/// <param name="numbersMax">Most that can be told apart.</param>
internal sealed class UsageTable<T>(int numbersMax)
    where T : notnull
{
    private readonly Dictionary<T, int> _numbers = [];
    private readonly List<(T Name, int Records, long Bytes)> _uses = [];
    private readonly Stack<int> _free = new();

    /// <summary>Number of names that have a number.</summary>
    public int Names => _numbers.Count;

    /// <summary>What has a number.</summary>
    public T NameOf(int number) => _uses[number].Name;

    /// <summary>Bytes that the records of a name take.</summary>
    public long BytesOf(T name) => _numbers.TryGetValue(name, out int number) ? _uses[number].Bytes : 0;

    /// <summary>Number of records of a name.</summary>
    public int RecordsOf(T name) => _numbers.TryGetValue(name, out int number) ? _uses[number].Records : 0;

    /// <summary>All names that have records.</summary>
    public IEnumerable<(T Name, int Records, long Bytes)> All => _uses.Where(use => use.Records > 0);

    /// <summary>Whether one more name would have no number.</summary>
    public bool IsFullFor(T name) => _numbers.Count >= numbersMax && !_numbers.ContainsKey(name);

    /// <summary>The number of a name, which gets one if it has none.</summary>
    public int NumberOf(T name)
    {
        if (_numbers.TryGetValue(name, out int number))
        {
            return number;
        }

        if (_numbers.Count >= numbersMax)
        {
            throw new InvalidOperationException($"More than {numbersMax} names cannot be told apart.");
        }

        if (_free.TryPop(out number))
        {
            _uses[number] = (name, 0, 0);
        }
        else
        {
            number = _uses.Count;
            _uses.Add((name, 0, 0));
        }

        _numbers.Add(name, number);
        return number;
    }

    /// <summary>Forgets names that got a number and no record.</summary>
    public void DropUnused()
    {
        for (int number = 0; number < _uses.Count; number++)
        {
            T name = _uses[number].Name;
            if (_uses[number].Records == 0 && _numbers.TryGetValue(name, out int own) && own == number)
            {
                _numbers.Remove(name);
                _free.Push(number);
            }
        }
    }

    /// <summary>Counts many records in, by number.</summary>
    public void Add(ReadOnlySpan<RecordUse> uses)
    {
        for (int number = 0; number < uses.Length; number++)
        {
            (T name, int records, long sum) = _uses[number];
            _uses[number] = (name, records + uses[number].Records, sum + uses[number].Bytes);
        }
    }

    /// <summary>Counts a record in, or with a negative sign out.</summary>
    public void Count(int number, int sign, int bytes)
    {
        (T name, int records, long sum) = _uses[number];
        _uses[number] = (name, records + sign, sum + (sign * (long)bytes));
        if (records + sign == 0)
        {
            _numbers.Remove(name);
            _free.Push(number);
        }
    }
}
