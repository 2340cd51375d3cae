global using WorkSource = Igor.Node.Scheduling.FairQueue<Igor.Node.Scheduling.WorkItem>.Source;

namespace Igor.Node.Scheduling;

/// <summary>A piece of work of a <see cref="Strand"/>.</summary>
internal readonly record struct WorkItem(Action<object> Work, object State);
