/** The model evaluated in f64 by the meaning of its ops: no kernels, no device. */
import { evaluateModel, modelParameters, parameterPath } from '@hyb/compiler';
import type { CheckedModel, Reference, SequenceState } from '@hyb/compiler';
import { openCheckpoint, readTensor } from '@hyb/runtime';
import type { Runner } from './measure.js';
import type { StateValues } from './states.js';

export async function referenceRunner({ graph, weightMap }: CheckedModel, weights: string): Promise<Runner> {
  const parameters = await readParameters({ graph, weightMap }, weights);
  let state: SequenceState | undefined;
  return {
    device: 'reference (f64)',
    logits: (tokens) => {
      const { sequences } = evaluateModel(graph, parameters, [{ tokens }]);
      return Promise.resolve(sequences[0]!.logits.data);
    },
    feed: (tokens) => {
      const call = state === undefined ? { tokens } : { tokens, state };
      const [result] = evaluateModel(graph, parameters, [call], { logits: 'last' }).sequences;
      state = result!.state;
      return Promise.resolve(result!.logits.data);
    },
    states: () => Promise.resolve(state === undefined ? [] : listStates(state)),
    hidden: (tokens) => {
      const { hidden } = evaluateModel(graph, parameters, [{ tokens }]);
      return Promise.resolve([...hidden.values()].slice(0, -1).map(({ data }) => data));
    },
  };
}

function listStates({ instances }: SequenceState): readonly StateValues[] {
  return [...instances].flatMap(([path, nodes]) =>
    [...nodes.values()].flatMap((pieces) =>
      [...pieces].map(([name, { data }]) => ({ layer: Number(path.split('.')[1]), name, values: data })),
    ),
  );
}

/** All weights as f64, by parameter. */
export async function readParameters(
  { graph, weightMap }: Pick<CheckedModel, 'graph' | 'weightMap'>,
  weights: string,
): Promise<ReadonlyMap<string, Reference>> {
  const shapes = new Map<string, readonly number[]>();
  for (const instance of graph.instances) {
    for (const { path, type } of graph.graphs[instance.graph]!.parameters) {
      const shape = type.dims.map(({ extent }) => extent as number);
      shapes.set(parameterPath(instance, path), shape);
    }
  }
  const entries =
    weightMap?.entries ?? modelParameters(graph).map(({ path }) => ({ tensor: path, parts: [path] as const }));
  const checkpoint = await openCheckpoint(weights);
  try {
    const parameters = new Map<string, Reference>();
    for (const { tensor, parts } of entries) {
      const found = checkpoint.tensors.get(tensor);
      if (found === undefined) throw new Error(`The checkpoint has no tensor ${tensor}.`);
      const values = Float64Array.from(await readTensor(found));
      let at = 0;
      for (const part of parts) {
        const shape = shapes.get(part)!;
        const size = shape.reduce((n, each) => n * each, 1);
        parameters.set(part, { shape, data: values.slice(at, at + size) });
        at += size;
      }
    }
    return parameters;
  } finally {
    await checkpoint.close();
  }
}
