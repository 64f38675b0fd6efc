/** A project of a given size, as people write them: files of blocks, and files of models that use and derive. */

export type Texts = Readonly<Record<string, string>>;

/** Lines of one file of blocks, and of one of models, roughly. */
const BLOCKS_IN_FILE = 4;
const DERIVATIONS_IN_FILE = 7;

/** Files by name, with about so many lines in all. The same size gives the same files. */
export function generateProject(lines: number): Texts {
  const files: Record<string, string> = {};
  let count = 0;
  for (let i = 0; count < lines; i++) {
    for (const [name, text] of [
      [`blocks-${i}.hyb`, blockFile(i)],
      [`models-${i}.hyb`, modelFile(i)],
    ] as const) {
      files[name] = text;
      count += text.split('\n').length;
    }
  }
  return files;
}

/** All of it as one file. */
export function singleFile(lines: number): string {
  const parts: string[] = ['use std.{Attention, Mamba2, MLP, RMSNorm, LayerNorm}', ''];
  for (let i = 0; parts.join('\n').split('\n').length < lines; i++) {
    parts.push(withoutUses(blockFile(i)), withoutUses(modelFile(i)));
  }
  return parts.join('\n');
}

const withoutUses = (text: string): string => text.replaceAll(/^use .*\n/gm, '');

function blockFile(i: number): string {
  const blocks = Array.from({ length: BLOCKS_IN_FILE }, (_, j) => block(`Block${i}x${j}`, j));
  return `use std.{RMSNorm}\n\n${blocks.join('\n')}`;
}

function block(name: string, variant: number): string {
  const recurrence =
    variant % 2 === 0
      ? `  let y = scan (t in time, state h: [inner] = 0) {
    h = sigmoid(gated[t]) * h + (1 - sigmoid(gated[t])) * u[t]
    yield h
  }`
      : `  let y = u * activation(gated)`;
  return `/// A mixer with a gate of its own.
///
/// Slot \`hidden\` normalizes what the gate lets through.
block ${name}(
  inner: int,
  /// Tokens that the gate sees.
  kernel = 4,
  activation: fn = silu,
  bias = false,
)(x: [time, width]) -> [time, width] {
  require inner % 2 == 0, "inner must be even"
  slot hidden = RMSNorm
  dim half = inner div 2
  param up   = linear(width -> inner, bias)
  param gate = linear(width -> inner, bias)
  param mix  = conv1d(inner, kernel, bias)
  param down = linear(inner -> width, bias) @init(output)
  param scale: [inner] = 1

  let u = up(x) * scale
  let gated = mix(gate(x))
${recurrence}
  let (a, b) = split(hidden(y), half, half)
  return down(concat(b, a, inner))
}
`;
}

function modelFile(i: number): string {
  const derivations = Array.from({ length: DERIVATIONS_IN_FILE }, (_, j) => derivation(i, j));
  return `use std.{Attention, Mamba2, MLP, RMSNorm, LayerNorm}
use "./blocks-${i}.hyb".{Block${i}x0, Block${i}x1}

/// The model that the others of this file are compared with.
model Base${i} {
  vocab   = 32_000
  width   = 1024
  context = 8192

  M = Mamba2(heads = 32, head_dim = 64, state = 64, groups = 4)
  A = Attention(heads = 16, kv_heads = 4, rope = rope(base = 500_000))
  F = MLP(inner = 4 * width)
  G = Block${i}x0(inner = 2 * width)
  H = Block${i}x1(inner = width)

  norm   = { pre = RMSNorm(eps = 1e-5) }
  layers = [(M F)*4, A F, G H, (M F)*4]
  head   = { norm = RMSNorm, tie = false }

  precision {
    weights             = bf16
    activations         = bf16
    weights in A_log    = f32
    activations in norm = f32
    state in M          = f32
  }
}

${derivations.join('\n')}
train Pretrain${i} of Base${i} {
  batch    = 256 sequences
  tokens   = 100e9 tokens
  rate     = 3e-4
  schedule = cosine(floor = 0.1)
  warmup   = 1000 steps
  init     = { linears = normal(0.02), M.out = output(0.014) }
}
`;
}

function derivation(i: number, j: number): string {
  const changes = [
    'A.norm.qk = LayerNorm',
    'A.cap = 50',
    'width = 512',
    'layers = [(M F)*6, A F, G]',
    'layers[2..6].bias = true',
    'G.inner = 3 * width',
    'norm = { pre = LayerNorm, out = RMSNorm }',
  ];
  return `/// One change of the base.
model Variant${i}x${j} = Base${i} with {
  ${changes[j % changes.length]!}
}
`;
}
