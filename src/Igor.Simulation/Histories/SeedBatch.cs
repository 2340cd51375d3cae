namespace Igor.Simulation.Histories;

/// <summary>Runs the plans of many seeds, some at a time.</summary>
internal static class SeedBatch
{
    /// <summary>Runs them; stops early when it is told so.</summary>
    /// <param name="from">The first seed.</param>
    /// <param name="count">How many, one after the other.</param>
    /// <param name="jobs">How many at a time.</param>
    /// <param name="draw">Makes the plan of a seed.</param>
    /// <param name="ended">
    /// Told of each, one at a time, in the order in which they end; says whether to go on.
    /// </param>
    public static void Run(
        ulong from, int count, int jobs, Func<ulong, HistoryPlan> draw, Func<SeedVerdict, bool> ended)
    {
        var gate = new Lock();
        int next = -1;
        bool isStopped = false;

        void Work()
        {
            while (!Volatile.Read(ref isStopped) && Interlocked.Increment(ref next) is var at && at < count)
            {
                SeedVerdict verdict = SeedVerdict.Of(draw(from + (ulong)at));
                lock (gate)
                {
                    if (!ended(verdict))
                    {
                        Volatile.Write(ref isStopped, true);
                    }
                }
            }
        }

        Thread[] threads = [.. Enumerable.Range(0, jobs).Select(_ => new Thread(Work))];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
    }
}
