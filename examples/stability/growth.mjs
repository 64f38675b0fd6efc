// What the probes saw in a run: norms of the layers' outputs and of the gradients of their inputs.

/** As the paper names linear maps. Several maps of one input count as one. */
export const MAPS = [
  { name: 'QKV', of: ['q', 'k', 'v'] },
  { name: 'Proj', of: ['o'] },
  { name: 'FC1', of: ['up'] },
  { name: 'FC2', of: ['down'] },
];

/**
 * One line a layer.
 *
 * @param probe `outputs`, `gradients`, `logits` or `entropy`
 * @param of names of what is measured, such as of a map; norms of several are taken together
 * @returns {Map<number, { step: number, value: number | null }[]>} by layer; null where the value is not finite
 */
export function curves(metrics, probe, of) {
  const lines = new Map();
  for (const { step, probes = [] } of metrics) {
    const layers = byLayer(probes.filter((each) => each.probe === probe && of.includes(each.of)));
    for (const [layer, own] of layers) {
      const value = own.length === 1 ? own[0].value : Math.hypot(...own.map((each) => each.value ?? NaN));
      const line = lines.get(layer) ?? [];
      lines.set(layer, line);
      line.push({ step, value: Number.isFinite(value) ? value : null });
    }
  }
  return lines;
}

function byLayer(probes) {
  const layers = new Map();
  for (const each of probes) layers.set(each.layer, [...(layers.get(each.layer) ?? []), each]);
  return layers;
}
