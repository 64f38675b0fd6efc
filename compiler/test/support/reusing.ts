import { check } from '../../src/compile.js';
import type { ModelGraph } from '../../src/graph/graph.js';
import { memoryHost } from '../../src/sources/host.js';

/** Blocks that read a weight more than once, each another way. `width` is 12. */
const BODIES = [
  // One map after itself, and beside another one.
  `param w = linear(width -> width, true)
   param u = linear(width -> width)
   let a = w(x) * silu(u(x))
   return w(silu(w(a))) + u(x)`,
  // Two inputs with the same gradient; two maps of one value with the same gradient.
  `param a = linear(width -> width)
   param b = linear(width -> width)
   param c = linear(width -> width)
   return a(x) + a(silu(x)) + b(x) + c(x)`,
  // A map under products of two others that could be one matrix.
  `param a = linear(width -> width)
   param b = linear(width -> width)
   let g = a(x)
   let h = b(x)
   return silu(g) * h + sigmoid(h) * a(h)`,
  // Queries, keys and values by one map of three inputs; its norm divides the result.
  `dim heads = 4
   dim head_dim = 3
   param q = linear(width -> (heads, head_dim))
   param o = linear((heads, head_dim) -> width)
   return o(attend(q(x), q(silu(x)), q(2 * x))) / spectral_norm(o.weight)`,
  // An input that its product reads by fours and what follows it one by one.
  `param w = linear(width -> width)
   return x * spectral_norm(w.weight) + w(x)`,
  // Vectors, a norm and a convolution twice.
  `slot norm = RMSNorm
   param s: [width] = 1
   param c = conv1d(width, 3)
   return norm(c(silu(c(s * norm(x))))) * s + s`,
];

/** A model with all of them as layers. */
export function reusing(): ModelGraph {
  const names = BODIES.map((_, i) => `B${i}`);
  const blocks = BODIES.map((body, i) => `block B${i}(x: [time, width]) -> [time, width] {\n   ${body}\n}`);
  const fields = names.map((name) => `  ${name} = ${name}`);
  const text = `use std.{RMSNorm}
${blocks.join('\n')}
model Reusing {
  vocab = 11, width = 12, context = 64
${fields.join('\n')}
  norm = { pre = RMSNorm }
  layers = [${names.join(' ')}]
  head = { norm = RMSNorm, tie = true }
}
`;
  const { models, diagnostics } = check(memoryHost({ 'reusing.hyb': text }), 'reusing.hyb', { exact: true });
  if (diagnostics.length > 0) throw new Error(diagnostics.map((d) => d.message).join('\n'));
  return models[0]!.graph;
}
