using Mono.Cecil;
using Mono.Cecil.Cil;

namespace Igor.Architecture.Tests;

/// <summary>Something that the code of a type uses.</summary>
/// <param name="Where">The type or method that uses it.</param>
/// <param name="Type">The full name of the type that is used.</param>
/// <param name="Member">The method or field of it; empty when only the type is named.</param>
/// <param name="ParameterCount">Number of parameters, for a method.</param>
internal readonly record struct Use(string Where, string Type, string Member, int ParameterCount)
{
    /// <summary>Everything that a type and the types nested in it use, attributes left out.</summary>
    public static IEnumerable<Use> Of(TypeDefinition type) =>
        BuiltAssembly.WithNested(type).SelectMany(OfOne);

    /// <inheritdoc/>
    public override string ToString() =>
        Member.Length == 0 ? $"{Where} uses {Type}" : $"{Where} uses {Type}.{Member}";

    private static IEnumerable<Use> OfOne(TypeDefinition type)
    {
        IEnumerable<TypeReference?> named = type.Interfaces.Select(each => each.InterfaceType)
            .Concat(type.Fields.Select(field => field.FieldType))
            .Append(type.BaseType);
        return named.SelectMany(each => Named(type.FullName, each)).Concat(type.Methods.SelectMany(OfMethod));
    }

    private static IEnumerable<Use> OfMethod(MethodDefinition method)
    {
        string where = $"{method.DeclaringType.FullName}.{method.Name}";
        IEnumerable<Use> signature = method.Parameters.Select(parameter => parameter.ParameterType)
            .Append(method.ReturnType)
            .SelectMany(each => Named(where, each));
        if (!method.HasBody)
        {
            return method.IsPInvokeImpl
                ? signature.Append(new Use(where, "native code", method.Name, method.Parameters.Count))
                : signature;
        }

        return signature
            .Concat(method.Body.Variables.SelectMany(variable => Named(where, variable.VariableType)))
            .Concat(method.Body.Instructions.SelectMany(instruction => OfOperand(where, instruction)));
    }

    private static IEnumerable<Use> OfOperand(string where, Instruction instruction) =>
        instruction.Operand switch
        {
            MethodReference called => Named(where, called.DeclaringType)
                .Concat(called is GenericInstanceMethod generic
                    ? generic.GenericArguments.SelectMany(argument => Named(where, argument))
                    : [])
                .Append(new Use(where, Open(called.DeclaringType), called.Name, called.Parameters.Count)),
            FieldReference field => Named(where, field.DeclaringType)
                .Append(new Use(where, Open(field.DeclaringType), field.Name, 0)),
            TypeReference type => Named(where, type),
            _ => [],
        };

    // A constructed type names its definition and its arguments.
    private static IEnumerable<Use> Named(string where, TypeReference? type)
    {
        if (type is null or GenericParameter)
        {
            return [];
        }

        IEnumerable<Use> arguments = type is GenericInstanceType generic
            ? generic.GenericArguments.SelectMany(argument => Named(where, argument))
            : [];
        return arguments.Append(new Use(where, Open(type), string.Empty, 0));
    }

    private static string Open(TypeReference type) => type.GetElementType().FullName;
}
