import { parameterPath } from '../../src/graph/graph.js';
import type { ModelGraph } from '../../src/graph/graph.js';
import type { Reference } from '../../src/ops/op.js';
import { attention, mamba2, mlp, modelOf, residualLayer } from './layers.js';
import { random } from './random.js';
import type { Random } from './random.js';
import { correcting, leaky, positional } from './scans.js';

const WIDTH = 8;
const EPS = 1e-5;
const mamba = { heads: 4, head_dim: 3, state: 5, groups: 2, conv: 4, eps: EPS };
const clipped = { heads: 2, kv_heads: 1, head_dim: 4, window: 3, temperature: 0.5, clip: [1.03, -0.03] } as const;

/** A small model with every kind of layer there is, and a tied head. */
export function hybrid(): ModelGraph {
  const layer = (alias: string, mixer: Parameters<typeof residualLayer>[3]) => ({
    alias,
    graph: residualLayer(alias, WIDTH, EPS, mixer),
  });
  return modelOf({ vocab: 11, width: WIDTH, eps: EPS, tie: true }, [
    layer('M', mamba2(mamba, WIDTH)),
    layer('A', attention({ heads: 4, kv_heads: 2, head_dim: 4, rope: [1, 0.1], cap: 5 }, WIDTH)),
    layer('W', attention(clipped, WIDTH)),
    layer('F', mlp(9, WIDTH)),
    layer('L', leaky(WIDTH)),
    layer('D', correcting(WIDTH, 3)),
    layer('P', positional(WIDTH)),
    layer('M', mamba2(mamba, WIDTH)),
  ]);
}

/** Weights that keep activations of order one. */
export function drawParameters(model: ModelGraph, seed: number): Map<string, Reference> {
  const { tensor, uniform } = random(seed);
  const parameters = new Map<string, Reference>();
  for (const instance of model.instances) {
    for (const { path, type } of model.graphs[instance.graph]!.parameters) {
      const full = parameterPath(instance, path);
      if (parameters.has(full)) continue;
      const shape = type.dims.map((d) => d.extent as number);
      const fan = shape.length > 1 ? shape.at(-1)! : 1;
      parameters.set(
        full,
        tensor(shape, () => uniform(-1, 1) / Math.sqrt(fan)),
      );
    }
  }
  return parameters;
}

/** Parameters in f32 under which what flows keeps its size: matrices keep norms, vectors stand near a half. */
export function drawSteady(model: ModelGraph, r: Random): Map<string, Reference> {
  return new Map(
    model.instances.flatMap((instance) =>
      model.graphs[instance.graph]!.parameters.map((p) => {
        const shape = p.type.dims.map((d) => d.extent as number);
        const size = shape.reduce((a, b) => a * b, 1);
        const scale = p.role === 'matrix' ? 1 / Math.sqrt(shape.slice(1).reduce((a, b) => a * b, 1)) : 0.2;
        const offset = p.role === 'matrix' ? 0 : 0.5;
        const data = Float64Array.from({ length: size }, () => Math.fround(offset + scale * r.normal()));
        return [parameterPath(instance, p.path), { shape, data }] as const;
      }),
    ),
  );
}
