/** The published models: exact counts, tensors and state sizes, from FACTS that were counted elsewhere. */
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { verifyModelGraph } from '../../src/graph/verify.js';
import { resolve } from '../../src/resolve/resolve.js';
import { memoryHost } from '../../src/sources/host.js';
import { loadProject } from '../../src/sources/project.js';
import { decodeState, parameterCount, parameters } from '../../src/trace/facts.js';
import { parameterDtypes } from '../../src/trace/precision.js';
import { trace } from '../../src/trace/trace.js';

const folder = fileURLToPath(new URL('../../../models/', import.meta.url));
const texts = Object.fromEntries(
  readdirSync(folder)
    .filter((f) => f.endsWith('.hyb'))
    .map((f) => [f, readFileSync(folder + f, 'utf8')]),
);

function modelsOf(file: string) {
  return resolve(loadProject(memoryHost(texts), file)).models;
}

function traceOf(file: string, name?: string) {
  const model = modelsOf(file).find((m) => name === undefined || m.name === name)!;
  return { model, ...trace(model) };
}

test.each(Object.keys(texts))('%s: every model traces without a finding into well-formed graphs', (file) => {
  for (const model of modelsOf(file)) {
    const { graph, diagnostics } = trace(model);
    expect(diagnostics).toEqual([]);
    expect(verifyModelGraph(graph)).toEqual([]);
    expect(graph.instances).toHaveLength(model.layers.length + 2);
  }
});

/** Parameters (the papers' sizes, summed by hand), graphs, and tensors that differ from the checkpoint's in-projection. */
test.each([
  ['nemotron-h-8b.hyb', 8_100_852_736],
  ['nemotron-h-56b.hyb', 56_324_350_464],
  ['nemotron-h-47b.hyb', 46_791_554_816],
  ['nemotron-h-4b.hyb', 4_489_223_040],
  ['nemotron-nano-9b-v2.hyb', 8_888_227_328],
  ['nemotron-nano-12b-v2.hyb', 12_310_001_152],
  // 32 layers: q, o 4096², k, v 4096·1024, gate, up, down 4096·14336, 2 norms; two vocabularies and a norm.
  [
    'llama-3.1-8b.hyb',
    32 * (2 * 4096 ** 2 + 2 * 4096 * 1024 + 3 * 4096 * 14_336 + 2 * 4096) + 2 * 128_256 * 4096 + 4096,
  ],
])('%s has %d parameters', (file, count) => {
  expect(parameterCount(traceOf(file).graph)).toBe(count);
});

test('identical layers share graphs', () => {
  const { graph } = traceOf('nemotron-h-56b.hyb');
  expect(graph.graphs.map((g) => g.name)).toEqual(['embedding', 'M', 'F', 'A', 'head']);
  expect(graph.instances).toHaveLength(120);
});

test('decode state of the 8B: 16 KiB of keys and values a token in bf16, 24 Mamba-2 layers a sequence', () => {
  const states = decodeState(traceOf('nemotron-h-8b.hyb').graph);
  const cache = states.filter((s) => s.kind === 'token');
  expect(cache.map((s) => s.dtype)).toEqual(cache.map(() => 'bf16'));
  expect(cache.reduce((n, s) => n + 2 * s.elements, 0)).toBe(16 * 1024);
  const perSequence = states.filter((s) => s.kind === 'sequence');
  expect(perSequence).toHaveLength(2 * 24);
  // [heads, head_dim, state] and the last three inputs of 10,240 channels.
  expect(perSequence.reduce((n, s) => n + s.elements, 0)).toBe(24 * (128 * 64 * 128 + 3 * 10_240));
});

test('storage formats: bf16, but A_log f32', () => {
  const traced = traceOf('nemotron-h-8b.hyb');
  const types = parameterDtypes(traced.model, traced);
  expect([...types.keys()].sort()).toEqual(
    parameters(traced.graph)
      .map((p) => p.path)
      .sort(),
  );
  for (const [path, type] of types) expect([path, type]).toEqual([path, path.endsWith('.A_log') ? 'f32' : 'bf16']);
});

test('118 layers share the graphs of the few that differ', () => {
  const { graph } = traceOf('nemotron-h-56b.hyb');
  expect(graph.instances).toHaveLength(118 + 2);
  // Mamba-2, attention, MLP, embedding and head.
  expect(graph.graphs).toHaveLength(5);
});
