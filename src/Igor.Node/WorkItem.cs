global using WorkSource = Igor.Node.FairQueue<Igor.Node.WorkItem>.Source;

namespace Igor.Node;

/// <summary>A piece of work of a <see cref="Strand"/>.</summary>
internal readonly record struct WorkItem(Action<object> Work, object State);
