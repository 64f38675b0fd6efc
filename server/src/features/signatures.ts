/** Declarations in a line: what stands before their bodies. */
import type { Project } from '@hyb/compiler';
import type { Entity } from '@hyb/compiler/query/names/entity';
import type { BlockDeclaration, FunctionDeclaration, Input, Parameter } from '@hyb/grammar';

/** `block MLP(inner: int, activation: fn = relu2)(x: [time, width]) -> [time, width]` */
export function signatureOf(declaration: BlockDeclaration | FunctionDeclaration, text: string): string {
  const slice = ({ start, end }: { start: number; end: number }): string => text.slice(start, end).replace(/\s+/g, ' ');
  const inputs = declaration.inputs.map((input) => slice(input.span)).join(', ');
  const result = declaration.result === undefined ? '' : ` -> ${slice(declaration.result.span)}`;
  if (declaration.kind === 'FunctionDeclaration') return `fn ${declaration.name.text}(${inputs})${result}`;
  const parameters = parameterTexts(declaration, text);
  const before = parameters.length === 0 ? '' : `(${parameters.join(', ')})`;
  return `${declaration.form} ${declaration.name.text}${before}(${inputs})${result}`;
}

/** Parameters as written, without their documentation. */
export function parameterTexts({ parameters }: BlockDeclaration, text: string): readonly string[] {
  return parameters.map((each) => parameterText(each, text));
}

export function parameterText({ name, type, default: fallback }: Parameter, text: string): string {
  const value = fallback === undefined ? '' : ` = ${text.slice(fallback.span.start, fallback.span.end)}`;
  return `${name.text}${type === undefined ? '' : `: ${type.text}`}${value}`;
}

function inputText({ name, shape }: Input, text: string): string {
  return `${name.text}${shape === undefined ? '' : `: ${text.slice(shape.span.start, shape.span.end)}`}`;
}

/** The code line of a hover: how the thing is written where it is declared. */
export function codeOf(entity: Entity, project: Project): string {
  const { kind, name, node, signature, target } = entity;
  if (target !== undefined) return codeOf(target, project);
  const text = node === undefined ? undefined : project.files.get(node.span.file)?.text;
  if (node === undefined || text === undefined) return signature ?? `${LABELS[kind] ?? kind} ${name}`;
  const slice = (from: number, to: number): string => text.slice(from, to).replace(/\s+/g, ' ').trim();
  switch (node.kind) {
    case 'BlockDeclaration':
    case 'FunctionDeclaration':
      return signatureOf(node, text);
    case 'ModelDeclaration':
      return `model ${name}${node.base === undefined ? '' : ` = ${node.base.text}`}`;
    case 'TrainDeclaration':
      return `train ${name}${node.of === undefined ? '' : ` of ${node.of.text}`}${node.base === undefined ? '' : ` = ${node.base.text}`}`;
    case 'WeightsDeclaration':
      return `weights ${name}${node.base === undefined ? '' : ` = ${node.base.text}`}`;
    case 'Parameter':
      return parameterText(node, text);
    case 'Input':
      return inputText(node, text);
    case 'ScanExpression':
      return `${name} in ${node.over.text}`;
    case 'ParamStatement':
    case 'SlotStatement':
    case 'DimStatement':
    case 'Field':
    case 'ScanState':
      return slice(node.span.start, node.span.end);
    case 'LetStatement':
      return node.names.length === 1 ? slice(node.span.start, node.span.end) : `let ${name}`;
    default:
      return `${LABELS[kind] ?? kind} ${name}`;
  }
}

/** How kinds are called in front of a name. */
const LABELS: Readonly<Partial<Record<Entity['kind'], string>>> = {
  dimension: 'dim',
  field: 'field',
  builtin: 'fn',
  option: 'option',
  choice: 'choice',
  attribute: 'attribute',
  type: 'type',
  role: 'role',
  selector: 'selector',
  format: 'format',
  part: 'tensor',
  unit: 'unit',
  library: 'use',
  slot: 'slot',
};
