using Mono.Cecil;

namespace Igor.Architecture.Tests;

/// <summary>The assemblies of the repository as they were built, beside the tests.</summary>
internal static class BuiltAssembly
{
    /// <summary>Reads an assembly with its debug symbols.</summary>
    public static AssemblyDefinition Read(string name)
    {
        var resolver = new DefaultAssemblyResolver();
        resolver.AddSearchDirectory(AppContext.BaseDirectory);
        return AssemblyDefinition.ReadAssembly(
            Path.Combine(AppContext.BaseDirectory, name + ".dll"),
            new ReaderParameters { ReadSymbols = true, AssemblyResolver = resolver });
    }

    /// <summary>
    /// All types of an assembly that stand in source, nested ones with the one they are in.
    /// </summary>
    public static IEnumerable<TypeDefinition> TopLevelTypes(AssemblyDefinition assembly) =>
        assembly.MainModule.Types.Where(type => !type.Name.StartsWith('<'));

    /// <summary>A type and all nested in it: lambdas, iterators and asynchronous methods are.</summary>
    public static IEnumerable<TypeDefinition> WithNested(TypeDefinition type) =>
        type.NestedTypes.SelectMany(WithNested).Prepend(type);
}
