// Rings that form and members that join wait far more than they work.
[assembly: CollectionBehavior(MaxParallelThreads = 6)]
