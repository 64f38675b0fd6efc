/** What inspection says of a program beside what the runtime does with it, counted at the WebGPU calls. */
import { installTestedGPU } from '../compiler/test/support/tested-adapter.js';
import { createModel, openDevice } from '@hyb/runtime';
import { kernelTable, memoryNeeds } from '../compiler/src/inspect/index.js';
import { plan } from '../compiler/src/plan/plan.js';
import { parameterPath } from '../compiler/src/graph/graph.js';
import { printWgsl } from '../compiler/src/wgsl/index.js';
import { attention, mamba2, mlp, modelOf, residualLayer } from '../compiler/test/support/layers.js';
import { safetensors } from './support/safetensors.js';

const WIDTH = 64;
const mamba = { heads: 4, head_dim: 32, state: 16, groups: 2, conv: 4, eps: 1e-5 };
const model = modelOf({ vocab: 1000, width: WIDTH, eps: 1e-5 }, [
  { alias: 'M', graph: residualLayer('M', WIDTH, 1e-5, mamba2(mamba, WIDTH)) },
  { alias: 'A', graph: residualLayer('A', WIDTH, 1e-5, attention({ heads: 4, kv_heads: 2, head_dim: 16 }, WIDTH)) },
  { alias: 'F', graph: residualLayer('F', WIDTH, 1e-5, mlp(320, WIDTH)) },
]);
const parameters = new Map(
  model.instances.flatMap((instance) =>
    model.graphs[instance.graph]!.parameters.map((p) => {
      const shape = p.type.dims.map((d) => d.extent as number);
      const data = new Float64Array(shape.reduce((a, b) => a * b, 1)).fill(0.01);
      return [parameterPath(instance, p.path), { shape, data }] as const;
    }),
  ),
);
const CAPACITY = 128;

test('dispatches and memory are what inspection says', async () => {
  // Holds all matrices but the vocabulary's two, which are 125 KiB.
  const [storage, bindingBytes] = ['bf16', 96 * 1024] as const;
  const { program, kernels } = plan(model);
  const sources = Object.fromEntries([...kernels].map(([name, kernel]) => [name, printWgsl(kernel)]));
  await installTestedGPU();
  const device = await openDevice({ limits: { maxStorageBufferBindingSize: bindingBytes } });
  const loaded = await createModel(program, sources, {
    weights: safetensors(parameters),
    device,
    storage,
    pieceTokens: 16,
  });
  const state = await loaded.state({ sequences: 2, capacity: CAPACITY });
  const dispatches = async (work: () => Promise<unknown>): Promise<number> => {
    const before = loaded.counters.dispatches;
    await work();
    return loaded.counters.dispatches - before;
  };
  const limits = { bindingBytes };
  const said = (mode: 'prefill' | 'decode', tokensPerSequence: number): number => {
    const table = kernelTable(model, program, { mode, sequences: 2, tokensPerSequence, context: 8, storage, limits });
    return table.dispatches - (table.stages.find((s) => s.alias === 'sample')?.dispatches ?? 0);
  };

  const tokens = Array.from({ length: 7 }, (_, i) => i);
  expect(await dispatches(() => loaded.prefill(state, [tokens, tokens]))).toBe(said('prefill', 7));
  expect(await dispatches(() => loaded.decode(state, [1, 2]))).toBe(said('decode', 1));

  const needs = memoryNeeds(program, { context: CAPACITY, sequences: 2, storage, pieceTokens: 16 });
  expect(loaded.memory.states).toBe(needs.state.total);
  // Packs of vectors begin at multiples of 256 bytes, which they fill.
  expect(loaded.memory.weights).toBe(needs.weights.total);
  // Buffers have room for the ragged ends of tiles of several sequences.
  expect(loaded.memory.activations).toBeGreaterThanOrEqual(needs.activations.total);
  expect(loaded.memory.activations).toBeLessThan(3 * needs.activations.total);
  loaded.dispose();
  device.dispose();
});
