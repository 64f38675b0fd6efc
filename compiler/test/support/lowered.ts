/** Lowers a layer graph, runs it on the adapter, and evaluates it in f64: the two results that tests compare. */
import type { SizeValues } from '@hyb/runtime';
import { TOKENS } from '../../src/fuse/axis.js';
import type { Graph } from '../../src/graph/graph.js';
import type { KernelCall, Mode } from '../../src/lower/call.js';
import { lower } from '../../src/lower/lower.js';
import { evaluateGraph, freshSegments } from '../../src/reference/evaluate.js';
import { CallRunner, device } from './device.js';
import { InterpretedRun } from './interpreted.js';
import type { Run, Variants } from './operands.js';
import { random } from './random.js';

export function sizesFor(tokens: number, sequences: number): SizeValues {
  return {
    tokens,
    sequences,
    rows: sequences,
    tiles16: Math.ceil(tokens / 16) + sequences,
    tiles32: Math.ceil(tokens / 32) + sequences,
    tiles64: Math.ceil(tokens / 64) + sequences,
    tiles128: Math.ceil(tokens / 128) + sequences,
    context: 512,
    capacity: 512,
    slots: sequences,
    window: 8,
  };
}

export interface Comparison {
  readonly calls: readonly KernelCall[];
  /** What the interpreter found. */
  readonly faults: readonly string[];
  readonly actual: Float32Array;
  readonly expected: Float64Array;
}

/** One fresh sequence of `tokens` tokens (prefill), or of one each (decode); layers without state only. */
export async function compareLayer(
  graph: Graph,
  options: {
    readonly mode: Mode;
    readonly fused: boolean;
    readonly tokens: number;
    readonly width: number;
    readonly seed?: number;
    readonly variants?: Variants;
    readonly on?: 'device' | 'interpreter';
  },
): Promise<Comparison> {
  const { mode, fused, tokens, width } = options;
  const r = random(options.seed ?? 1);
  const parameters = new Map(
    graph.parameters.map((p) => {
      const shape = p.type.dims.map((d) => d.extent as number);
      const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => r.normal() * 0.3);
      return [p.path, { shape, data }] as const;
    }),
  );
  const x = Float32Array.from({ length: tokens * width }, () => r.normal());
  const calls = lower(graph, { mode, fused, axis: TOKENS, inPlace: true });
  const stream = { kind: 'value', node: graph.nodes.find((n) => n.op === 'input')!.id } as const;
  const run: Run = {
    graph,
    calls,
    parameters: new Map([...parameters].map(([path, p]) => [path, p.data])),
    sizes: sizesFor(tokens, 1),
    ...(options.variants ? { variants: options.variants } : {}),
    contents: new Map([[JSON.stringify(stream), x]]),
  };
  let actual: Float32Array;
  let faults: readonly string[] = [];
  if (options.on === 'interpreter') {
    const interpreted = new InterpretedRun(run);
    interpreted.execute();
    actual = interpreted.buffer(stream) as Float32Array;
    ({ faults } = interpreted);
  } else {
    const runner = new CallRunner(await device(), run);
    await runner.execute();
    actual = await runner.read(stream);
  }
  const reference = evaluateGraph(graph, {
    x: { shape: [tokens, width], data: Float64Array.from(x) },
    parameters: new Map(
      [...parameters].map(([path, p]) => [path, { shape: p.shape, data: Float64Array.from(p.data) }]),
    ),
    segments: mode === 'decode' ? freshSegments(...Array.from({ length: tokens }, () => 1)) : freshSegments(tokens),
  });
  return { calls, faults, actual, expected: reference.output.data };
}

/** Largest difference over the largest value. */
export function worst({ actual, expected }: Comparison): number {
  let difference = 0;
  let largest = 0;
  expected.forEach((v, i) => {
    difference = Math.max(difference, Math.abs(v - actual[i]!));
    largest = Math.max(largest, Math.abs(v));
  });
  return difference / largest;
}
