/**
 * What training takes on a device, before anything is made: weights, gradients, moments, and activations for each layer; and
 * what layers keep of their forward pass so that all of it fits. The engine makes its buffers by the same numbers.
 */
import { worstSizes } from '../program/batch.js';
import type { ActivationSpec, Program, Step, StorageType } from '../program/program.js';
import { rotaryRows } from '../program/rotary.js';
import { evaluateSize, type SizeValues } from '../program/size.js';
import { BLOCK_QUADS } from '../program/training.js';
import type { TrainingLevel, TrainingProgram } from '../program/training.js';
import { WEIGHT_FORMATS } from '../shaders/weights.js';
import { matrixStorage } from '../weights/placement.js';
import { MOMENTS } from './moments.js';
import type { RuleName } from './moments.js';
import { orthogonalBatches, orthogonalScratch } from './orthogonal-batches.js';

export interface MemoryRequest {
  /** Of the largest part that is computed at once. */
  readonly tokens: number;
  readonly sequences: number;
  /** By which rule a parameter is updated. */
  readonly ruleOf: (parameter: string) => RuleName;
  /** Bytes that all of it may take; absent: any number. */
  readonly limit?: number | undefined;
  /** Bytes that activations may take, those of the head included; absent: any number. */
  readonly activations?: number | undefined;
  /** Of working copies; by default as the program says. */
  readonly storage?: StorageType | undefined;
  /** Largest buffer that can be bound; default 128 MiB. */
  readonly largestBuffer?: number | undefined;
}

/** Bytes. */
export interface LayerMemory {
  readonly label: string;
  /** The residual stream after it. */
  readonly stream: number;
  /** What it keeps of its forward pass. */
  readonly kept: number;
  /** What it would keep if nothing were computed again. */
  readonly whole: number;
  readonly level: number;
}

/** Bytes. */
export interface MemoryPlan {
  readonly tokens: number;
  readonly sequences: number;
  /** Master copies, and working copies where they are others. */
  readonly weights: number;
  readonly gradients: number;
  /** What it keeps of each element, and what it computes with. */
  readonly optimizer: number;
  readonly layers: readonly LayerMemory[];
  /** What all layers share while one is computed, the gradient of the residual stream included. */
  readonly shared: number;
  /** A chunk of logits, their gradients and what else the head computes. */
  readonly head: number;
  /** Tables, and what the update keeps. */
  readonly other: number;
  /** All of it: nothing is freed during a step. */
  readonly peak: number;
  /** Level of each stage instance but the head, for `TrainerOptions.levels`. */
  readonly levels: readonly number[];
  /** Share of the forward pass that is computed twice. */
  readonly recomputed: number;
  /** Whether it is within the limits. */
  readonly fits: boolean;
}

/** Rows of the head's chunks are a multiple of this, so that chunks begin where bindings may. */
export const CHUNK_UNIT = 64;
/** What one activation of the head may take, where the device allows more. */
const MOST_CHUNK_BYTES = 128 * 1024 * 1024;

export function partSizes(tokens: number, sequences: number): SizeValues {
  return worstSizes(tokens, sequences, tokens, { slots: sequences, capacity: tokens });
}

/** Sizes of a chunk of rows, which is no batch. */
export function chunkSizes(rows: number): SizeValues {
  return partSizes(rows, 1);
}

/** Rows of a chunk of the head: as many as fit a binding; undefined where not even the fewest do. */
export function chunkRows(training: TrainingProgram, tokens: number, largestBuffer: number): number | undefined {
  const most = Math.min(largestBuffer, MOST_CHUNK_BYTES);
  const fits = (rows: number): boolean =>
    training.head.activations.every(({ elements }) => 4 * evaluateSize(elements, chunkSizes(rows)) <= most);
  let rows = Math.ceil(tokens / CHUNK_UNIT) * CHUNK_UNIT;
  while (rows > CHUNK_UNIT && !fits(rows)) rows -= CHUNK_UNIT;
  return fits(rows) ? rows : undefined;
}

/** Of the activations that stages share, those that these levels use. */
export function usedActivations(
  training: TrainingProgram,
  levels: readonly TrainingLevel[],
): readonly ActivationSpec[] {
  const used = new Set<string>();
  for (const { forward, backward, probed } of levels) {
    const measuring = probed ? [...probed.forward, ...probed.backward] : [];
    for (const { bind } of [...forward, ...backward, ...measuring]) {
      for (const operand of bind) if ('activation' in operand) used.add(operand.activation);
    }
  }
  return training.activations.filter(({ id }) => used.has(id));
}

export function levelsOf(program: Program, instance: number): readonly TrainingLevel[] {
  const { stage } = program.schedule[instance]!;
  return program.training!.stages.find(({ id }) => id === stage)!.levels;
}

/** @param program with a training part */
export function planMemory(program: Program, request: MemoryRequest): MemoryPlan {
  const layers = program.schedule.slice(0, -1);
  const choices = layers.map((_, i) => levelsOf(program, i));
  const values = partSizes(request.tokens, request.sequences);
  const levels = choices.map((choice) => choice.length - 1);
  const { limit = Infinity, activations = Infinity } = request;
  const fits = (plan: Omit<MemoryPlan, 'fits'>): boolean => plan.peak <= limit && activationBytes(plan) <= activations;
  let plan = account(program, request, values, [...levels]);
  let smallest = plan;
  // What saves most for an operation done twice goes first.
  const drops = choices
    .map((choice, i) => ({ i, worth: worthOf(choice, values) }))
    .filter(({ i }) => levels[i]! > 0)
    .sort((a, b) => b.worth - a.worth || a.i - b.i);
  for (const { i } of drops) {
    if (fits(plan)) break;
    levels[i] = 0;
    plan = account(program, request, values, [...levels]);
    // What is computed again takes room while it is: for few layers as much as it saves.
    if (plan.peak < smallest.peak) smallest = plan;
  }
  return fits(plan) ? { ...plan, fits: true } : { ...smallest, fits: false };
}

/** What a part takes beside what is there for every part. */
function activationBytes({ layers, shared, head }: Pick<MemoryPlan, 'layers' | 'shared' | 'head'>): number {
  return layers.reduce((n, { stream, kept }) => n + stream + kept, shared + head);
}

/**
 * The fewest parts in which a batch fits a limit: preferably without computing anything twice, as long as parts are long enough
 * to be computed well.
 */
export function planParts(
  program: Program,
  batch: { readonly sequences: number; readonly length: number },
  request: Omit<MemoryRequest, 'tokens' | 'sequences'> & {
    /** As many as this, where it is given. */
    readonly parts?: number | undefined;
  },
): { readonly parts: number; readonly memory: MemoryPlan } {
  const { largestBuffer = DEFAULT_BUFFER } = request;
  let recomputing: { readonly parts: number; readonly memory: MemoryPlan } | undefined;
  for (let parts = request.parts ?? 1; ;) {
    const sequences = Math.ceil(batch.sequences / parts);
    const memory = planMemory(program, { ...request, sequences, tokens: sequences * batch.length });
    const found = { parts, memory };
    if (request.parts !== undefined) return found;
    const bound = largestActivation(program, partSizes(memory.tokens, sequences)) <= largestBuffer;
    if (memory.fits && bound) {
      if (memory.recomputed === 0) return found;
      recomputing ??= found;
    }
    const long = memory.tokens / 2 >= LONG_PART;
    if (recomputing !== undefined && !long) return recomputing;
    if (sequences === 1) return recomputing ?? found;
    // The next number of parts whose largest is smaller.
    parts = Math.ceil(batch.sequences / (sequences - 1));
  }
}

const DEFAULT_BUFFER = 128 * 1024 * 1024;
/** Tokens of a part from which on products are as fast as they get. */
const LONG_PART = 1024;

function largestActivation(program: Program, values: SizeValues): number {
  const training = program.training!;
  const kept = training.stages.flatMap(({ levels }) => levels.flatMap((level) => level.kept));
  const elements = [...training.activations, ...kept].map((spec) => evaluateSize(spec.elements, values));
  return 4 * Math.max(values.tokens * program.model.width, ...elements);
}

export function operationsOf(steps: readonly Step[], values: SizeValues): number {
  return steps.reduce((n, { cost }) => n + evaluateSize(cost.operations, values), 0);
}

function keptBytes({ kept }: TrainingLevel, values: SizeValues): number {
  return kept.reduce((n, { elements }) => n + bufferBytes(4 * evaluateSize(elements, values)), 0);
}

/** Operations of the backward pass that are there because less was kept. */
function repeated(choice: readonly TrainingLevel[], level: number, values: SizeValues): number {
  const most = choice.at(-1)!;
  return Math.max(0, operationsOf(choice[level]!.backward, values) - operationsOf(most.backward, values));
}

function worthOf(choice: readonly TrainingLevel[], values: SizeValues): number {
  const saved = keptBytes(choice.at(-1)!, values) - keptBytes(choice[0]!, values);
  return saved / Math.max(1, repeated(choice, 0, values));
}

/** Buffers are a multiple of this. */
const bufferBytes = (bytes: number): number => Math.max(16, Math.ceil(bytes / 16) * 16);

function account(
  program: Program,
  { tokens, sequences, ruleOf, storage, largestBuffer = DEFAULT_BUFFER }: MemoryRequest,
  values: SizeValues,
  levels: readonly number[],
): Omit<MemoryPlan, 'fits'> {
  const training = program.training!;
  const { width } = program.model;
  const sum = <T>(items: readonly T[], size: (item: T) => number): number =>
    items.reduce((n, item) => n + size(item), 0);
  const elements = sum(program.matrices, ({ rows, columns }) => rows * columns);
  const vectors = sum(program.vectors, (pack) => Math.max(64, pack.elements));
  const copies = sum(program.matrices, (spec) => {
    if (storage === undefined && training.scaled[spec.id] !== undefined) return 4 * spec.rows * spec.columns;
    const type = storage ?? matrixStorage(program, spec);
    return type === 'f32' ? 0 : spec.rows * spec.columns * WEIGHT_FORMATS[type].bytes;
  });
  const weights = 4 * (elements + vectors) + copies;
  const gradients = 4 * (elements + vectors);
  const stream = bufferBytes(4 * tokens * width);
  const choices = levels.map((_, i) => levelsOf(program, i));
  const chosen = choices.map((choice, i) => choice[levels[i]!]!);
  const layers = chosen.map((level, i): LayerMemory => ({
    label: program.schedule[i]!.label,
    stream,
    kept: keptBytes(level, values),
    whole: keptBytes(choices[i]!.at(-1)!, values),
    level: levels[i]!,
  }));
  const shared =
    2 * stream + sum(usedActivations(training, chosen), (spec) => bufferBytes(4 * evaluateSize(spec.elements, values)));
  const rows = chunkRows(training, tokens, largestBuffer) ?? CHUNK_UNIT;
  const chunk = chunkSizes(Math.min(rows, tokens));
  const head = sum(training.head.activations, (spec) => bufferBytes(4 * evaluateSize(spec.elements, chunk)));
  const rotary = sum(program.tables, (t) => 8 * t.frequencies.length * rotaryRows(tokens));
  const multiples =
    sum(program.matrices, (m) => (training.moments[m.id] === undefined ? 8 : 16) * m.rows) +
    8 * sum(program.vectors, (v) => v.elements / 4);
  const blocks = 16 * Math.ceil((elements + vectors) / (4 * BLOCK_QUADS));
  const other = rotary + multiples + blocks + tokens * (TABLE_WORDS_PER_TOKEN * 4);
  const momentBytes = (id: string): number => WEIGHT_FORMATS[training.moments[id] ?? 'f32'].bytes;
  const momentsOf = (parameter: string | undefined): number =>
    parameter === undefined ? 0 : MOMENTS[ruleOf(parameter)].length;
  const moments =
    sum(program.matrices, (m) => momentBytes(m.id) * m.rows * m.columns * momentsOf(m.parts[0]?.parameter)) +
    sum(program.vectors, (v) => 4 * Math.max(64, v.elements) * momentsOf(v.parts[0]?.parameter));
  const orthogonal = program.matrices.filter(({ parts }) => parts[0] && ruleOf(parts[0].parameter) === 'Muon');
  const scratch = orthogonalScratch(orthogonalBatches(orthogonal));
  const optimizer = moments + 8 * (scratch.matrices + scratch.products);
  const peak = weights + gradients + optimizer + sum(layers, (l) => l.stream + l.kept) + shared + head + other;
  const forward = sum(chosen, (level) => operationsOf(level.forward, values));
  const again = sum(
    choices.map((choice, i) => repeated(choice, levels[i]!, values)),
    (n) => n,
  );
  return {
    tokens,
    sequences,
    weights,
    gradients,
    optimizer,
    layers,
    shared,
    head,
    other,
    peak,
    levels,
    recomputed: forward === 0 ? 0 : again / forward,
  };
}

/** Seven batch tables of four words at most, three of the embedding and of packed sequences, labels, losses, order. */
const TABLE_WORDS_PER_TOKEN = 4 * 10 + 3;
