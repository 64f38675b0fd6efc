/** Which arguments a generic check tries: the defaults, and every optional one the other way. */
import type { BlockDeclaration, Expression, Parameter, Span } from '@hyb/grammar';
import type { Constant, NormInstance, Scope } from '../../model/model.js';

type Choice = ReadonlyMap<string, Constant>;

/** The first choice stands on the defaults; each of the others differs in one parameter. */
export function argumentChoices(declaration: BlockDeclaration): readonly Choice[] {
  const base = new Map<string, Constant>();
  for (const parameter of declaration.parameters) {
    if (parameter.default !== undefined) continue;
    const value = needed(parameter);
    if (value !== undefined) base.set(parameter.name.text, value);
  }
  const others = declaration.parameters.flatMap((parameter): Choice[] => {
    const value = otherThanDefault(parameter);
    return value === undefined ? [] : [new Map([...base, [parameter.name.text, value]])];
  });
  return [base, ...others];
}

/** A value for a parameter without default; sizes are sampled elsewhere. */
function needed({ type, name }: Parameter): Constant | undefined {
  switch (type?.text) {
    case 'float':
      return { kind: 'number', value: 1.5, integer: false };
    case 'bool':
      return { kind: 'boolean', value: false };
    case 'fn':
      return { kind: 'function', callee: { builtin: 'silu' }, arguments: {} };
    case 'norm':
      return identityNorm(name.span);
    default:
      return undefined;
  }
}

/** The other truth value, or something in the place of `none`. */
function otherThanDefault(parameter: Parameter): Constant | undefined {
  const { default: fallback, type } = parameter;
  if (fallback === undefined) return type?.text === 'bool' ? { kind: 'boolean', value: true } : undefined;
  if (fallback.kind === 'BooleanLiteral') return { kind: 'boolean', value: !fallback.value };
  if (fallback.kind !== 'NoneLiteral') return undefined;
  switch (type?.text) {
    case 'int':
      return { kind: 'number', value: 1856, integer: true };
    case 'float':
    case 'fn':
    case 'norm':
      return needed(parameter);
    default:
      return undefined;
  }
}

/** A norm that changes nothing, for parameters that take some norm. */
function identityNorm(span: Span): NormInstance {
  const name = (text: string) => ({ kind: 'Name', text, span }) as const;
  const declaration: BlockDeclaration = {
    kind: 'BlockDeclaration',
    span,
    form: 'norm',
    name: name('Identity'),
    parameters: [],
    inputs: [{ kind: 'Input', name: name('x'), span }],
    body: [{ kind: 'ReturnStatement', value: name('x') satisfies Expression, span }],
  };
  const scope: Scope = { file: span.file, lookup: () => undefined, names: () => [] };
  return { kind: 'norm', declaration, scope, arguments: {}, span };
}
