import { createGraphBuilder } from '../../src/graph/builder.js';
import { verifyGraph } from '../../src/graph/verify.js';
import { printGraph } from '../../src/graph/print.js';
import type { Graph } from '../../src/graph/graph.js';
import type { Reference } from '../../src/ops/op.js';
import { opDefinition } from '../../src/ops/table.js';
import { evaluateGraph, freshSegments } from '../../src/reference/evaluate.js';
import { expectClose } from '../support/close.js';
import { nodeOf } from '../support/op.js';
import { random } from '../support/random.js';
import { correcting, leaky } from '../support/scans.js';

const WIDTH = 5;

function build(name: string, mixer: ReturnType<typeof leaky>): Graph {
  const b = createGraphBuilder({ width: WIDTH });
  return b.finish(name, mixer(b, b.input('x')));
}

function parametersOf(graph: Graph, seed: number): Map<string, Reference> {
  const { tensor } = random(seed);
  return new Map(graph.parameters.map(({ path, type }) => [path, tensor(type.dims.map((d) => d.extent as number))]));
}

test('the leaky average is its closed form', () => {
  const graph = build('Leaky', leaky(WIDTH));
  expect(verifyGraph(graph, { width: WIDTH })).toEqual([]);
  const parameters = parametersOf(graph, 1);
  const x = random(2).tensor([7, WIDTH]);
  const { output } = evaluateGraph(graph, { x, parameters, segments: freshSegments(4, 3) });
  const w = parameters.get('gate.weight')!.data;
  const gate = (t: number, c: number): number => {
    let total = 0;
    for (let i = 0; i < WIDTH; i++) total += w[c * WIDTH + i]! * x.data[t * WIDTH + i]!;
    return 1 / (1 + Math.exp(-total));
  };
  const expected = new Float64Array(output.data.length);
  for (let t = 0; t < 7; t++) {
    for (let c = 0; c < WIDTH; c++) {
      // Each token's part, decayed by the gates of the tokens after it.
      for (let s = t < 4 ? 0 : 4; s <= t; s++) {
        let part = (1 - gate(s, c)) * x.data[s * WIDTH + c]!;
        for (let r = s + 1; r <= t; r++) part *= gate(r, c);
        expected[t * WIDTH + c]! += part;
      }
    }
  }
  expectClose(output, { shape: [7, WIDTH], data: expected }, 1e-14);
});

test('two states, a shifted read and a learned start: against plain loops', () => {
  const d = 3;
  const graph = build('Delta', correcting(WIDTH, d));
  expect(verifyGraph(graph, { width: WIDTH })).toEqual([]);
  const parameters = parametersOf(graph, 3);
  const x = random(4).tensor([6, WIDTH]);
  const { output } = evaluateGraph(graph, { x, parameters, segments: freshSegments(2, 4) });
  const get = (path: string): Float64Array => parameters.get(path)!.data;
  const project = (path: string, t: number): number[] =>
    Array.from({ length: d }, (_, o) => {
      let total = 0;
      for (let i = 0; i < WIDTH; i++) total += get(`${path}.weight`)[o * WIDTH + i]! * x.data[t * WIDTH + i]!;
      return total;
    });
  const gate = (path: string, t: number): number => 1 / (1 + Math.exp(-project(path, t).reduce((a, b) => a + b, 0)));
  const expected = new Float64Array(6 * WIDTH);
  for (const [start, length] of [
    [0, 2],
    [2, 4],
  ] as const) {
    const S = Array.from({ length: d }, (_, v) => new Array<number>(d).fill(get('initial')[v]!));
    for (let i = 0; i < length; i++) {
      const t = start + i;
      const [q, k, v] = [project('q', t), project('k', t), project('v', t)];
      const earlier = i >= 2 ? project('v', t - 2) : [0, 0, 0];
      const [alpha, beta] = [gate('alpha', t), gate('beta', t)];
      const y: number[] = [];
      for (let r = 0; r < d; r++) {
        const row = S[r]!.map((s) => alpha * s);
        const read = row.reduce((a, s, c) => a + s * k[c]!, 0);
        S[r] = row.map((s, c) => s + beta * (v[r]! + 0.5 * earlier[r]! - read) * k[c]!);
        y.push(S[r]!.reduce((a, s, c) => a + s * q[c]!, 0) + get('offset')[r]! + 0.01 * (i + 1));
      }
      for (let o = 0; o < WIDTH; o++) {
        for (let r = 0; r < d; r++) expected[t * WIDTH + o]! += get('out.weight')[o * d + r]! * y[r]!;
      }
    }
  }
  expectClose(output, { shape: [6, WIDTH], data: expected }, 1e-13);

  const scan = nodeOf(graph, 'scan');
  const types = scan.inputs.map((id) => graph.nodes[id]!.type);
  expect(opDefinition('scan').state!(types, scan.attributes as never)).toEqual([
    { name: 'state0', kind: 'sequence', dims: [3, 3] },
    { name: 'state1', kind: 'sequence', dims: [] },
    { name: 'input2', kind: 'sequence', dims: [2, 3] },
  ]);
});

test('the printer shows the body', () => {
  expect(printGraph(build('Leaky', leaky(WIDTH)))).toBe(
    `graph Leaky {
  param gate.weight: f32[width: 5, width: 5] = normal(0.02) as matrix
  %x = input() {name: x} : f32[time, width: 5]
  %0 = linear(%x, %gate.weight) {in: [width], out: [width: 5]} : f32[time, width: 5]
  %1 = sigmoid(%0) : f32[time, width: 5]
  %2 = constant() {value: 0} : f32[]
  %3 = scan(%2, %1, %x) {
    %0 = scan_state() {index: 0} : f32[width: 5]
    %1 = scan_input() {index: 0} : f32[width: 5]
    %2 = scan_input() {index: 1} : f32[width: 5]
    %3 = constant() {value: 1} : f32[]
    %4 = sub(%3, %1) : f32[width: 5]
    %5 = mul(%1, %0) : f32[width: 5]
    %6 = mul(%4, %2) : f32[width: 5]
    %7 = add(%5, %6) : f32[width: 5]
    state 0 = %7
    yield %7
  } : f32[time, width: 5]
  return %3
}
`,
  );
});
