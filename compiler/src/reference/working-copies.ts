/** The copies of parameters that products read in training: matrices, rounded as `precision` says. */
import { linearSets } from '../fuse/linear-groups.js';
import { isScaled, LEAST } from '../grad/scale.js';
import type { Scaling } from '../grad/scale.js';
import { parameterPath } from '../graph/graph.js';
import type { GraphNode, ModelGraph } from '../graph/graph.js';
import type { Dtype } from '../graph/types.js';
import { FORMATS, round } from '../numeric/format.js';
import type { FloatFormat } from '../numeric/format.js';
import type { Reference } from '../ops/op.js';

/** Full paths of the parameters of each matrix: weights of maps of one value lie in one. */
export function matricesOf({ graphs, instances }: ModelGraph): readonly (readonly string[])[] {
  const found: (readonly string[])[] = [];
  const known = new Set<string>();
  for (const instance of instances) {
    const graph = graphs[instance.graph]!;
    const full = (local: string): string => parameterPath(instance, local);
    const sets = linearSets(graph, true).map(({ anchors }) =>
      anchors.map((id) => (graph.nodes[graph.nodes[id]!.inputs[1]!] as GraphNode<'parameter'>).attributes.path),
    );
    const alone = graph.parameters.filter(({ role }) => role === 'matrix').map(({ path }) => [path]);
    for (const paths of [...sets, ...alone].map((set) => set.map(full))) {
      if (paths.some((path) => known.has(path))) continue;
      for (const path of paths) known.add(path);
      found.push(paths);
    }
  }
  return found;
}

/**
 * @param matrices of `matricesOf`
 * @param formats by full path; what is not there is f32
 */
export function workingCopies(
  parameters: ReadonlyMap<string, Reference>,
  matrices: readonly (readonly string[])[],
  formats: ReadonlyMap<string, Dtype>,
  scaling: Scaling,
): ReadonlyMap<string, Reference> {
  const copies = new Map(parameters);
  for (const paths of matrices) {
    const format = commonFormat(paths.map((path) => formats.get(path) ?? 'f32'));
    if (format === 'f32') continue;
    const scale = isScaled(format) ? scaleOf(paths, parameters, format, scaling) : 1;
    for (const path of paths) {
      const { shape, data } = parameters.get(path)!;
      copies.set(path, { shape, data: data.map((value) => round(value * scale, format) / scale) });
    }
  }
  return copies;
}

/** Of a matrix of parameters with several formats, the one that all of them are stored in, or f32. */
function commonFormat(formats: readonly Dtype[]): FloatFormat {
  const stored = (format: Dtype): Dtype => (isScaled(format) ? 'bf16' : format);
  for (const kinds of [new Set(formats), new Set(formats.map(stored))]) {
    const [only] = kinds;
    if (kinds.size === 1) return only as FloatFormat;
  }
  return 'f32';
}

function scaleOf(
  paths: readonly string[],
  parameters: ReadonlyMap<string, Reference>,
  format: 'e4m3' | 'e5m2',
  scaling: Scaling,
): number {
  if (scaling !== 'current') return scaling;
  const most = paths.map((path) => parameters.get(path)!.data.reduce((a, b) => Math.max(a, Math.abs(b)), 0));
  return FORMATS[format].largest / Math.max(LEAST, ...most);
}
