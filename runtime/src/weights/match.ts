import { listItems, ProgramError, WeightsError } from '../errors.js';
import type { Program } from '../program/program.js';
import type { Checkpoint } from './checkpoint.js';
import { isFloat, type FloatDtype } from './dtypes.js';
import type { TensorEntry } from './safetensors.js';

/** Where in a checkpoint a parameter's values are: rows (first dimension) of a tensor. */
export interface ParameterSource {
  readonly tensor: TensorEntry;
  readonly dtype: FloatDtype;
  /** First element in the tensor. */
  readonly element: number;
  readonly elements: number;
}

/** What is used of a program here: names and shapes. */
export type Layout = Pick<Program, 'parameters' | 'checkpoint' | 'spare'>;

export interface MatchOptions {
  readonly unexpected: 'error' | 'warn' | 'ignore';
  readonly warn: (message: string) => void;
}

interface Expected {
  readonly names: readonly string[];
  readonly shape: readonly number[];
  readonly parts: readonly string[];
  /** One dimension here may be several in the file, and not only the other way round: heads and their channels, say. */
  readonly regroup?: boolean;
}

/**
 * Finds every parameter of a program in a checkpoint, and reports everything that does not fit at once. A checkpoint names
 * its tensors as the program's `checkpoint` says, or by the parameters' paths.
 *
 * @throws WeightsError `weights-mismatch`
 */
export function matchCheckpoint(
  program: Layout,
  checkpoint: Pick<Checkpoint, 'tensors'>,
  options: MatchOptions,
): ReadonlyMap<string, ParameterSource> {
  const expected = expectedTensors(program, checkpoint);
  const missing: string[] = [];
  const wrong: string[] = [];
  const used = new Set<string>(program.spare);
  const sources = new Map<string, ParameterSource>();
  const shapes = new Map(program.parameters.map(({ path, shape }) => [path, shape]));

  for (const { names, shape, parts, regroup } of expected) {
    const present = names.filter((name) => checkpoint.tensors.has(name));
    for (const name of present) used.add(name);
    if (present.length > 1) {
      wrong.push(`${present.join(' and ')}: names of the same tensor, both are there`);
      continue;
    }
    const tensor = checkpoint.tensors.get(present[0]!);
    if (!tensor) {
      missing.push(`${names[0]} [${shape.join(', ')}]`);
      continue;
    }
    const { dtype } = tensor;
    if (!(fits(tensor.shape, shape) || (regroup && fits(shape, tensor.shape)))) {
      wrong.push(`${tensor.name}: expected [${shape.join(', ')}], found [${tensor.shape.join(', ')}]`);
      continue;
    }
    if (!isFloat(dtype)) {
      wrong.push(`${tensor.name}: expected F32, BF16, F16 or F64, found ${dtype}`);
      continue;
    }
    let element = 0;
    for (const path of parts) {
      const elements = product(shapes.get(path) ?? unknownParameter(path));
      sources.set(path, { tensor, dtype, element, elements });
      element += elements;
    }
    if (element !== product(shape)) throw new ProgramError('bad-program', `The parts of ${names[0]} do not fill it.`);
  }

  const unplaced = program.parameters.filter(({ path }) => !sources.has(path));
  if (missing.length + wrong.length === 0 && unplaced.length > 0) {
    throw new ProgramError('bad-program', `No tensor holds the parameter ${unplaced[0]!.path}.`);
  }
  const unexpected = [...checkpoint.tensors.keys()].filter((name) => !used.has(name));
  report(missing, wrong, unexpected, options);
  return sources;
}

/**
 * The same shape, or one whose sizes are products of neighbours in the other: a linear map of several heads is a matrix in
 * checkpoints, with its elements in the same order.
 */
function fits(found: readonly number[], shape: readonly number[]): boolean {
  let i = 0;
  for (const size of found) {
    let rest = size;
    do {
      const next = shape[i++];
      if (next === undefined || next === 0 || rest % next !== 0) return size === 0 && next === 0;
      rest /= next;
    } while (rest > 1);
  }
  return i === shape.length;
}

function expectedTensors(program: Layout, { tensors }: Pick<Checkpoint, 'tensors'>): readonly Expected[] {
  const own = program.parameters.map(({ path, shape }): Expected => ({
    names: [path],
    shape,
    parts: [path],
    regroup: true,
  }));
  if (!program.checkpoint) return own;
  const mapped: readonly Expected[] = program.checkpoint.map(({ name, aliases = [], shape, parts }) => ({
    names: [name, ...aliases],
    shape,
    parts,
  }));
  const isThere = ({ names }: Expected): boolean => names.some((name) => tensors.has(name));
  return !mapped.some(isThere) && own.some(isThere) ? own : mapped;
}

function report(missing: string[], wrong: string[], unexpected: string[], options: MatchOptions): void {
  const sections: string[] = [];
  if (missing.length > 0) sections.push(`Missing (${missing.length}):${listItems(missing)}`);
  if (wrong.length > 0) sections.push(`Different (${wrong.length}):${listItems(wrong)}`);
  const tellUnexpected = unexpected.length > 0 && options.unexpected !== 'ignore';
  if (tellUnexpected) sections.push(`Unexpected (${unexpected.length}):${listItems(unexpected)}`);
  const fatal = missing.length + wrong.length > 0 || (unexpected.length > 0 && options.unexpected === 'error');
  const text = `The checkpoint does not hold this model's tensors.\n${sections.join('\n')}`;
  if (!fatal) {
    if (tellUnexpected) options.warn(text);
    return;
  }
  const hint =
    missing.length + wrong.length === 0
      ? "\nWith `unexpected: 'ignore'` what the model has no place for is left out."
      : '';
  throw new WeightsError('weights-mismatch', text + hint, { items: [...missing, ...wrong, ...unexpected] });
}

export function product(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

function unknownParameter(path: string): never {
  throw new ProgramError('bad-program', `There is no parameter ${path}.`);
}
