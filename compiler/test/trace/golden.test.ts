/** The standard library's blocks, traced, against recorded outputs of the original implementations. */
import { verifyModelGraph } from '../../src/graph/verify.js';
import { evaluateModel } from '../../src/reference/model.js';
import { expectClose } from '../support/close.js';
import { golden } from '../support/golden.js';
import { traced } from '../support/source.js';

/** Logits were computed in f64 and rounded to f32, whose unit roundoff is 6e-8. */
const ROUNDED = 1.2e-7;

const SOURCES = {
  nh_a_gqa_g2: `
    use std.{Attention, MLP, Mamba2, RMSNorm}
    model A {
      vocab = 256  width = 64  context = 8192
      M = Mamba2(heads = 8, head_dim = 16, state = 16, groups = 2)
      A = Attention(heads = 4, kv_heads = 2, head_dim = 16)
      F = MLP(inner = 128)
      norm = { pre = RMSNorm(eps = 1e-5) }
      layers = [M F M A F]
      head = { norm = RMSNorm(eps = 1e-5), tie = false }
    }`,
  nh_c_realinit_g1: `
    use std.{Attention, MLP, Mamba2, RMSNorm}
    model C {
      vocab = 176  width = 128  context = 8192
      M = Mamba2(heads = 4, head_dim = 32, state = 64)
      A = Attention(heads = 8, head_dim = 16)
      F = MLP(inner = 160)
      norm = { pre = RMSNorm(eps = 1e-5) }
      layers = [M A M F]
      head = { norm = RMSNorm(eps = 1e-5), tie = false }
    }`,
  llama_gqa: `
    use std.{Attention, GatedMLP, RMSNorm}
    model Llama {
      vocab = 256  width = 96  context = 2048
      A = Attention(heads = 6, kv_heads = 2, rope = rope(base = 10_000))
      F = GatedMLP(inner = 160)
      norm = { pre = RMSNorm(eps = 1e-5) }
      layers = [(A F)*3]
      head = { norm = RMSNorm(eps = 1e-5), tie = false }
    }`,
} as const;

describe.each(Object.keys(SOURCES) as (keyof typeof SOURCES)[])('%s', (name) => {
  const { graph } = traced(SOURCES[name]);
  const { parameters: theirs, recorded } = golden(name);
  const parameters = new Map(
    [...theirs].map(([path, value]) => [path.replace(/^(layers\.\d+)\.norm\./, '$1.'), value]),
  );
  const list = (tensor: string): number[] => [...recorded.get(tensor)!.data];

  test('the graphs are well formed', () => {
    expect(verifyModelGraph(graph)).toEqual([]);
  });

  test('logits of the prompt and of the decoding steps', () => {
    const prompt = evaluateModel(graph, parameters, [{ tokens: list('prompt.tokens') }]).sequences[0]!;
    expectClose(prompt.logits, recorded.get('prompt.logits')!, ROUNDED);
    const { vocab } = graph;
    const logits = new Float64Array(16 * vocab);
    let { state } = prompt;
    list('decode.tokens').forEach((token, i) => {
      const step = evaluateModel(graph, parameters, [{ tokens: [token], state }], { logits: 'last' }).sequences[0]!;
      logits.set(step.logits.data, i * vocab);
      state = step.state;
    });
    expectClose({ shape: [16, vocab], data: logits }, recorded.get('decode.logits')!, ROUNDED);
  });
});
