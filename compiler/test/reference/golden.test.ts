/** The f64 reference against recorded outputs of the original implementations (oracle 2). */
import type { NodeId } from '../../src/graph/graph.js';
import { verifyModelGraph } from '../../src/graph/verify.js';
import type { Reference } from '../../src/ops/op.js';
import { evaluateModel } from '../../src/reference/model.js';
import type { SequenceState } from '../../src/reference/model.js';
import { expectClose } from '../support/close.js';
import { GOLDENS, golden } from '../support/golden.js';

/** Logits were computed in f64 and rounded to f32, whose unit roundoff is 6e-8. */
const ROUNDED = 1.2e-7;
/** Recorded in f32 arithmetic: a few hundred roundings deep. */
const SINGLE = 2e-5;

describe.each(GOLDENS)('%s', (name) => {
  const { model, parameters, recorded } = golden(name);
  const list = (tensor: string): number[] => [...recorded.get(tensor)!.data];
  const inside = new Map<string, Reference>();
  const prompt = evaluateModel(model, parameters, [{ tokens: list('prompt.tokens') }], {
    observe: ({ graph, path }, values) => {
      const { nodes, output } = model.graphs[graph]!;
      const normed = nodes.find((node) => node.label === 'normed');
      if (normed !== undefined) inside.set(`${path}.normed`, values[normed.id]!);
      if (nodes[output]!.op === 'add') inside.set(`${path}.mixer_out`, values[nodes[output]!.inputs[1]!]!);
    },
  });

  test('the graphs are well formed', () => {
    expect(verifyModelGraph(model)).toEqual([]);
  });

  test('logits of the prompt', () => {
    expectClose(prompt.sequences[0]!.logits, recorded.get('prompt.logits')!, ROUNDED);
  });

  test('logits of the decoding steps, through the carried state', () => {
    const width = model.vocab;
    const logits = new Float64Array(16 * width);
    let { state } = prompt.sequences[0]!;
    list('decode.tokens').forEach((token, i) => {
      const step = evaluateModel(model, parameters, [{ tokens: [token], state }], { logits: 'last' }).sequences[0]!;
      logits.set(step.logits.data, i * width);
      state = step.state;
    });
    expectClose({ shape: [16, width], data: logits }, recorded.get('decode.logits')!, ROUNDED);
    expectStates(state, 'decode');
  });

  test('every recorded value inside: norms, mixers, residual stream', () => {
    const perBlock = name === 'llama_gqa' ? 2 : 1;
    const keys = [...recorded.keys()].filter((key) => key.startsWith('hidden.'));
    expect(keys.length).toBe(name === 'llama_gqa' ? 3 + 2 : 3 * (model.instances.length - 2) + 2);
    for (const key of keys) expectClose(ours(key, perBlock), recorded.get(key)!, SINGLE);
  });

  /** Our value for `hidden.embeddings`, `hidden.block.03.mixer_out`, …; a recorded block may be several layers here. */
  function ours(key: string, perBlock: number): Reference {
    const [, part, block, what] = /^hidden\.(\w+)(?:\.(\d+)\.(\w+))?$/.exec(key)!;
    if (part === 'embeddings') return prompt.hidden.get('embedding')!;
    if (part === 'final_norm') return inside.get('head.normed')!;
    const path = `layers.${(Number(block) + 1) * perBlock - 1}`;
    return what === 'out' ? prompt.hidden.get(path)! : inside.get(`${path}.${what}`)!;
  }

  test('states after the prompt', () => {
    expectStates(prompt.sequences[0]!.state, 'prompt');
  });

  /** Compares every recorded state with ours of the same layer. */
  function expectStates(state: SequenceState, when: string): void {
    const keys = [...recorded.keys()].filter((key) => key.startsWith(`state.${when}.`));
    expect(keys.length).toBeGreaterThan(0);
    for (const key of keys) {
      const [, layer, kind] = /layers\.(\d+)\.(\w+)$/.exec(key)!;
      const path = `layers.${name === 'llama_gqa' ? 2 * Number(layer) : layer}`;
      const own = piece(state, path, { conv_state: 'inputs', ssm_state: 'state', key: 'key', value: 'value' }[kind!]!);
      const theirs = recorded.get(key)!;
      if (kind === 'conv_state') expectClose(own, newest(theirs), SINGLE);
      else if (kind === 'ssm_state') expectClose(own, { shape: theirs.shape.slice(1), data: theirs.data }, SINGLE);
      else expectClose(own, tokensFirst(theirs), SINGLE);
    }
  }
});

function piece(state: SequenceState, path: string, name: string): Reference {
  const pieces = state.instances.get(path) as ReadonlyMap<NodeId, ReadonlyMap<string, Reference>>;
  const found = [...pieces.values()].map((p) => p.get(name)).filter((p) => p !== undefined);
  expect(found).toHaveLength(1);
  return found[0]!;
}

/** [1, channels, K] → the last K - 1 columns as [K - 1, channels]. */
function newest({ shape, data }: Reference): Reference {
  const [, channels, kernel] = shape as [number, number, number];
  const rows = new Float64Array((kernel - 1) * channels);
  for (let k = 1; k < kernel; k++)
    for (let c = 0; c < channels; c++) rows[(k - 1) * channels + c] = data[c * kernel + k]!;
  return { shape: [kernel - 1, channels], data: rows };
}

/** [1, heads, T, d] → [T, heads, d]. */
function tokensFirst({ shape, data }: Reference): Reference {
  const [, heads, tokens, width] = shape as [number, number, number, number];
  const moved = new Float64Array(data.length);
  for (let h = 0; h < heads; h++) {
    for (let t = 0; t < tokens; t++) {
      moved.set(data.subarray((h * tokens + t) * width, (h * tokens + t + 1) * width), (t * heads + h) * width);
    }
  }
  return { shape: [tokens, heads, width], data: moved };
}
