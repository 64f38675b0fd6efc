/** f64 evaluation of whole models: prefill, decode and ragged batches, with explicit states that can be forked. */
import { parameterPath } from '../graph/graph.js';
import type { GraphInstance, ModelGraph } from '../graph/graph.js';
import type { Reference, Segment } from '../ops/op.js';
import { evaluateGraph, lookUp } from './evaluate.js';
import type { InstanceState } from './evaluate.js';

/** What a sequence carries from call to call. Immutable: evaluating again from it is a fork. */
export interface SequenceState {
  /** Tokens so far. */
  readonly position: number;
  /** By instance path. */
  readonly instances: ReadonlyMap<string, InstanceState>;
}

export interface SequenceCall {
  /** The tokens that follow; at least one. */
  readonly tokens: readonly number[];
  /** Absent: a fresh sequence. */
  readonly state?: SequenceState;
}

export interface SequenceResult {
  /** [rows, vocab]: a row per token, or one for the last token. */
  readonly logits: Reference;
  readonly state: SequenceState;
}

export interface ModelResult {
  readonly sequences: readonly SequenceResult[];
  /** Output of each instance by its path, on the flat token axis: `[tokens, width]`, the head's logits too. */
  readonly hidden: ReadonlyMap<string, Reference>;
}

export interface ModelEvaluation {
  /** `last`: the head sees only the last token of each sequence, as in generation. By default all. */
  readonly logits?: 'all' | 'last';
  /** Called with the values of all nodes of each instance. */
  readonly observe?: (instance: GraphInstance, values: readonly (Reference | undefined)[]) => void;
}

/**
 * Evaluates the sequences' tokens as one ragged batch.
 * @param parameters by full path, such as `layers.3.in_z.weight`
 * @throws Error naming a missing or misshapen parameter
 */
export function evaluateModel(
  model: ModelGraph,
  parameters: ReadonlyMap<string, Reference>,
  sequences: readonly SequenceCall[],
  options: ModelEvaluation = {},
): ModelResult {
  let segments = segmentsOf(sequences);
  const tokens = sequences.flatMap((sequence) => [...sequence.tokens]);
  const hidden = new Map<string, Reference>();
  const after = sequences.map(() => new Map<string, InstanceState>());
  let x: Reference | undefined;
  model.instances.forEach((instance, i) => {
    if (i === model.instances.length - 1 && options.logits === 'last') {
      x = lastRows(x!, segments);
      segments = sequences.map((sequence, s) => ({
        start: s,
        length: 1,
        position: (sequence.state?.position ?? 0) + sequence.tokens.length - 1,
      }));
    }
    const result = evaluateGraph(model.graphs[instance.graph]!, {
      ...(x === undefined ? { tokens } : { x }),
      parameters: (local) => lookUp(parameters, parameterPath(instance, local)),
      segments,
      states: sequences.map((sequence) => sequence.state?.instances.get(instance.path)),
    });
    options.observe?.(instance, result.values);
    result.states.forEach((state, s) => {
      if (state.size > 0) after[s]!.set(instance.path, state);
    });
    x = result.output;
    hidden.set(instance.path, x);
  });
  return {
    hidden,
    sequences: sequences.map((sequence, s) => ({
      logits: rowsOf(x!, segments[s]!),
      state: { position: (sequence.state?.position ?? 0) + sequence.tokens.length, instances: after[s]! },
    })),
  };
}

function segmentsOf(sequences: readonly SequenceCall[]): Segment[] {
  let start = 0;
  return sequences.map(({ tokens, state }) => {
    const segment = { start, length: tokens.length, position: state?.position ?? 0 };
    start += tokens.length;
    return segment;
  });
}

function rowsOf(x: Reference, { start, length }: Segment): Reference {
  const perToken = x.shape.slice(1).reduce((n, e) => n * e, 1);
  return { shape: [length, ...x.shape.slice(1)], data: x.data.slice(start * perToken, (start + length) * perToken) };
}

function lastRows(x: Reference, segments: readonly Segment[]): Reference {
  const perToken = x.shape.slice(1).reduce((n, e) => n * e, 1);
  const data = new Float64Array(segments.length * perToken);
  segments.forEach(({ start, length }, s) => {
    data.set(x.data.subarray((start + length - 1) * perToken, (start + length) * perToken), s * perToken);
  });
  return { shape: [segments.length, ...x.shape.slice(1)], data };
}
