/** A small hybrid with f16 weights, read as what the device has of f16 and by core WGSL: logits of both. */
import type { KernelFeature } from '@hyb/runtime';
import { createModel, openDevice } from '@hyb/runtime';
import { parameterPath } from '../../compiler/src/graph/graph.js';
import { plan } from '../../compiler/src/plan/plan.js';
import { printWgsl } from '../../compiler/src/wgsl/index.js';
import { attention, gatedMlp, mamba2, modelOf, residualLayer } from '../../compiler/test/support/layers.js';
import { random } from '../../compiler/test/support/random.js';
import { safetensors } from '../support/safetensors.js';

const WIDTH = 64;

const model = modelOf({ vocab: 100, width: WIDTH, eps: 1e-5 }, [
  {
    alias: 'M',
    graph: residualLayer(
      'M',
      WIDTH,
      1e-5,
      mamba2({ heads: 4, head_dim: 16, state: 16, groups: 2, conv: 4, eps: 1e-5 }, WIDTH),
    ),
  },
  {
    alias: 'A',
    graph: residualLayer(
      'A',
      WIDTH,
      1e-5,
      attention({ heads: 4, kv_heads: 2, head_dim: 16, rope: [1, 0.5, 0.1] }, WIDTH),
    ),
  },
  { alias: 'F', graph: residualLayer('F', WIDTH, 1e-5, gatedMlp(72, WIDTH)) },
]);

export interface HalfWeights {
  readonly features: readonly string[];
  /** Logits after a prompt and after one more token. */
  readonly native: readonly (readonly number[])[];
  readonly core: readonly (readonly number[])[];
}

export default async function run(): Promise<HalfWeights> {
  const { program, kernels } = plan(model);
  const sources = Object.fromEntries([...kernels].map(([name, kernel]) => [name, printWgsl(kernel)]));
  const r = random(5);
  const parameters = new Map(
    model.instances.flatMap((instance) =>
      model.graphs[instance.graph]!.parameters.map((p) => {
        const shape = p.type.dims.map((d) => d.extent as number);
        const scale = 1 / Math.sqrt(shape.length > 1 ? shape.at(-1)! : 4);
        const data = Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => scale * r.normal());
        return [parameterPath(instance, p.path), { shape, data }] as const;
      }),
    ),
  );
  const logits = async (features?: readonly KernelFeature[]): Promise<[readonly string[], number[][]]> => {
    const device = await openDevice(features ? { features } : {});
    const loaded = await createModel(program, sources, { weights: safetensors(parameters), device, storage: 'f16' });
    const state = await loaded.state({ sequences: 1, capacity: 32 });
    const prompt = await loaded.prefill(state, [Array.from({ length: 21 }, (_, i) => i)]);
    const next = await loaded.decode(state, [50]);
    const result = [prompt[0]!, next[0]!].map((row) => Array.from(row));
    loaded.dispose();
    device.dispose();
    return [[...device.features], result];
  };
  const [features, native] = await logits();
  const [, core] = await logits([]);
  return { features, native, core };
}
