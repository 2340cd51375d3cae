// Every test starts many processes: one test at a time, or they starve one another.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
