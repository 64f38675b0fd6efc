/**
 * What transformers keeps of a text, in the order of our states:
 * - `conv_state` [1, channels, K], newest last, is one column longer than ours, [K - 1, channels];
 * - `ssm_state` [1, heads, head_dim, state] is ours;
 * - `key` and `value` [1, heads, T, head_dim] are [T, heads, head_dim] here.
 */
import type { LayerNumbers } from './measure.js';
import type { Recorded } from './recorded.js';

export interface StateValues {
  readonly layer: number;
  /** `inputs` of a convolution, `state` of a recurrence, `key` and `value`. */
  readonly name: string;
  readonly values: ArrayLike<number>;
}

const NAMES: Readonly<Record<string, string>> = {
  conv_state: 'inputs',
  ssm_state: 'state',
  key: 'key',
  value: 'value',
};

/** Recorded states by our layers; kinds that are not known here are left out. */
export async function expectedStates(
  recorded: Recorded,
  moment: 'prompt' | 'decode',
  numbers: LayerNumbers,
): Promise<readonly StateValues[]> {
  const result: StateValues[] = [];
  for (const tensor of recorded.names()) {
    const match = new RegExp(`^state\\.${moment}\\.layers\\.(\\d+)\\.(\\w+)$`).exec(tensor);
    const name = match && NAMES[match[2]!];
    // The mixer comes first where a layer there is several here.
    const layer = match && numbers[Number(match[1])]?.[0];
    if (typeof name !== 'string' || typeof layer !== 'number') continue;
    const values = await recorded.values(tensor);
    const shape = recorded.shape(tensor);
    result.push({ layer, name, values: arranged(name, values, shape) });
  }
  return result;
}

function arranged(name: string, values: ArrayLike<number>, shape: readonly number[]): ArrayLike<number> {
  switch (name) {
    case 'inputs': {
      const [, channels = 0, columns = 0] = shape;
      return Float64Array.from({ length: (columns - 1) * channels }, (_, i) => {
        const column = 1 + Math.floor(i / channels);
        return values[(i % channels) * columns + column]!;
      });
    }
    case 'key':
    case 'value': {
      const [, heads = 0, tokens = 0, size = 0] = shape;
      return Float64Array.from({ length: values.length }, (_, i) => {
        const token = Math.floor(i / (heads * size));
        const head = Math.floor(i / size) % heads;
        return values[(head * tokens + token) * size + (i % size)]!;
      });
    }
    default:
      return values;
  }
}
