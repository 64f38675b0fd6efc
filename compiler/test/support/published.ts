/** Published models at their full sizes, built by hand from their configurations (weights are never made). */
import type { ModelGraph } from '../../src/graph/graph.js';
import { attention, gatedMlp, mamba2, mlp, modelOf, residualLayer } from './layers.js';

const EPS = 1e-5;

interface NemotronSizes {
  readonly pattern: string;
  readonly width: number;
  readonly inner: number;
  readonly heads: number;
  readonly mamba: { readonly heads: number; readonly head_dim: number; readonly state: number };
}

function nemotron({ pattern, width, inner, heads, mamba }: NemotronSizes): ModelGraph {
  const M = residualLayer('M', width, EPS, mamba2({ ...mamba, groups: 8, conv: 4, eps: EPS }, width));
  const A = residualLayer('A', width, EPS, attention({ heads, kv_heads: 8, head_dim: 128 }, width));
  const F = residualLayer('F', width, EPS, mlp(inner, width));
  const layers = [...pattern].map((letter) =>
    letter === 'M' ? { alias: 'M', graph: M } : letter === '*' ? { alias: 'A', graph: A } : { alias: 'F', graph: F },
  );
  return modelOf({ vocab: 131_072, width, eps: EPS }, layers);
}

const PATTERNS = {
  8: 'M-M-M-M*-M-M-M-M-M*-M-M-M-M-M*-M-M-M-M-M*-M-M-M-M-M-',
  56: `M-M-M-M*-${'M-M-M-M-M*-'.repeat(9)}M-M-M-M-M-`,
  47: 'M-M-M-M-M-M-M-M-M*-M-M-M-M-M-M-M-M-M-M*-M-M-M-M-M*-M-M-M-M-M*-M-M-M-M-M-M-M---MM---M-M*-M-M-M-M-M-',
} as const;

const LARGE = { width: 8192, heads: 64, mamba: { heads: 256, head_dim: 64, state: 256 } };

export function nemotronH(size: 8 | 56 | 47): ModelGraph {
  const pattern = PATTERNS[size];
  if (size === 8) {
    const mamba = { heads: 128, head_dim: 64, state: 128 };
    return { ...nemotron({ pattern, width: 4096, inner: 21_504, heads: 32, mamba }), name: 'NemotronH8B' };
  }
  const inner = size === 56 ? 32_768 : 30_720;
  return { ...nemotron({ pattern, inner, ...LARGE }), name: `NemotronH${size}B` };
}

interface TransformerSizes {
  readonly name: string;
  readonly layers: number;
  readonly vocab: number;
  readonly width: number;
  readonly heads: number;
  readonly kv_heads: number;
  readonly inner: number;
}

function transformer({ name, layers, vocab, width, heads, kv_heads, inner }: TransformerSizes): ModelGraph {
  const A = residualLayer('A', width, EPS, attention({ heads, kv_heads, head_dim: 128 }, width));
  const F = residualLayer('F', width, EPS, gatedMlp(inner, width));
  const pairs = Array.from({ length: layers }, () => [
    { alias: 'A', graph: A },
    { alias: 'F', graph: F },
  ]).flat();
  return { ...modelOf({ vocab, width, eps: EPS }, pairs), name };
}

/** Without rotary embedding and biases, which have no weights or few. */
export const llama8b = (): ModelGraph =>
  transformer({ name: 'Llama31_8B', layers: 32, vocab: 128_256, width: 4096, heads: 32, kv_heads: 8, inner: 14_336 });
export const qwen7b = (): ModelGraph =>
  transformer({ name: 'Qwen25_7B', layers: 28, vocab: 152_064, width: 3584, heads: 28, kv_heads: 4, inner: 18_944 });
