/**
 * A model small enough to be written by hand: embedding, a leaky integrator (a recurrence), a mean over all positions so far
 * that is turned by a rotary table (a cache), and a linear head. Its kernels are plain and slow; what is tested with it is
 * the runtime. `reference.ts` computes the same in f64.
 */
import type { KernelSpec, Program, Size, Stage, StageInstance, Step, WgslSources } from '@hyb/runtime';

export interface TinyOptions {
  readonly vocab?: number;
  readonly width?: number;
  /** `leaky` and `mean` blocks in order. */
  readonly layers?: readonly ('leaky' | 'mean')[];
  readonly dtype?: 'f32' | 'bf16' | 'f16';
  /** The checkpoint holds halves of the decays, which are doubled after loading. */
  readonly prepared?: boolean;
}

const COST = { weightElements: 0, values: 0, operations: 0 } as const;

const read = (name: string) => ({ name, type: 'read' as const, weights: false });
const write = (name: string) => ({ name, type: 'read_write' as const, weights: false });
const weights = (name: string) => ({ name, type: 'read' as const, weights: true });
const u32 = (name: string) => ({ name, type: 'u32' as const });

function kernel(source: string, bindings: KernelSpec['bindings'], uniforms: KernelSpec['uniforms']): KernelSpec {
  const variants = [
    { requires: [], source, workgroupMemory: 0, workgroupSize: [64, 1, 1] as [number, number, number] },
  ];
  return { doc: source, bindings, uniforms, variants };
}

const KERNELS: Readonly<Record<string, KernelSpec>> = {
  double: kernel('double', [write('vectors')], [u32('width')]),
  embed: kernel('embed', [read('tokens'), weights('table'), write('x')], [u32('width'), u32('first'), u32('count')]),
  leaky_prefill: kernel(
    'leaky_prefill',
    [read('sequences'), read('vectors'), write('state'), write('x')],
    [u32('width')],
  ),
  leaky_decode: kernel('leaky_decode', [read('tokens'), read('vectors'), write('state'), write('x')], [u32('width')]),
  remember: kernel('remember', [read('tokens'), write('cache'), read('x')], [u32('width'), u32('capacity')]),
  mean: kernel(
    'mean',
    [read('tokens'), read('cache'), read('angles'), read('x'), write('y')],
    [u32('width'), u32('capacity'), u32('context')],
  ),
  head: kernel(
    'head',
    [read('rows'), weights('matrix'), read('x'), write('logits')],
    [u32('width'), u32('vocab'), u32('first'), u32('count')],
  ),
  sample: kernel(
    'sample',
    [read('logits'), write('settings'), write('seen'), write('sampled'), write('tokens'), write('sequences')],
    [u32('vocab'), u32('count'), u32('window')],
  ),
};

export const tinySources: WgslSources = {
  double: `
    struct Uniforms { width: u32 }
    @group(0) @binding(0) var<storage, read_write> vectors: array<f32>;
    @group(0) @binding(1) var<uniform> uniforms: Uniforms;
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
      let w = uniforms.width;
      if (id.x < w) { vectors[id.x] = 2.0 * vectors[2u * w + id.x]; }
    }`,
  embed: `
    struct Uniforms { width: u32, first: u32, count: u32 }
    @group(0) @binding(0) var<storage, read> tokens: array<vec4u>;
    @group(0) @binding(1) var<storage, read> table: array<table_element>;
    @group(0) @binding(2) var<storage, read_write> x: array<vec4f>;
    @group(0) @binding(3) var<uniform> uniforms: Uniforms;
    @compute @workgroup_size(64) fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
      let id = tokens[group.x].x;
      if (id < uniforms.first || id >= uniforms.first + uniforms.count) { return; }
      let quads = uniforms.width / 4u;
      for (var i = lane; i < quads; i += 64u) {
        x[group.x * quads + i] = table_decode(table[(id - uniforms.first) * quads + i]);
      }
    }`,
  leaky_prefill: `
    @group(0) @binding(0) var<storage, read> sequences: array<vec4u>;
    @group(0) @binding(1) var<storage, read> vectors: array<f32>;
    @group(0) @binding(2) var<storage, read_write> state: array<f32>;
    @group(0) @binding(3) var<storage, read_write> x: array<f32>;
    struct Uniforms { width: u32 }
    @group(0) @binding(4) var<uniform> uniforms: Uniforms;
    @compute @workgroup_size(64) fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
      let sequence = sequences[group.x];
      let w = uniforms.width;
      for (var i = lane; i < w; i += 64u) {
        var h = state[sequence.x * w + i];
        for (var t = sequence.y; t < sequence.y + sequence.z; t++) {
          h = vectors[i] * h + (1.0 - vectors[i]) * x[t * w + i];
          x[t * w + i] += h + vectors[w + i];
        }
        state[sequence.x * w + i] = h;
      }
    }`,
  leaky_decode: `
    @group(0) @binding(0) var<storage, read> tokens: array<vec4u>;
    @group(0) @binding(1) var<storage, read> vectors: array<f32>;
    @group(0) @binding(2) var<storage, read_write> state: array<f32>;
    @group(0) @binding(3) var<storage, read_write> x: array<f32>;
    struct Uniforms { width: u32 }
    @group(0) @binding(4) var<uniform> uniforms: Uniforms;
    @compute @workgroup_size(64) fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
      let slot = tokens[group.x].w;
      let w = uniforms.width;
      for (var i = lane; i < w; i += 64u) {
        let h = vectors[i] * state[slot * w + i] + (1.0 - vectors[i]) * x[group.x * w + i];
        x[group.x * w + i] += h + vectors[w + i];
        state[slot * w + i] = h;
      }
    }`,
  remember: `
    @group(0) @binding(0) var<storage, read> tokens: array<vec4u>;
    @group(0) @binding(1) var<storage, read_write> cache: array<f32>;
    @group(0) @binding(2) var<storage, read> x: array<f32>;
    struct Uniforms { width: u32, capacity: u32 }
    @group(0) @binding(3) var<uniform> uniforms: Uniforms;
    @compute @workgroup_size(64) fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
      let token = tokens[group.x];
      let w = uniforms.width;
      for (var i = lane; i < w; i += 64u) {
        cache[(token.w * uniforms.capacity + token.z) * w + i] = x[group.x * w + i];
      }
    }`,
  // Sums in blocks whose size depends on the bound on the context, as attention that is split along the keys would.
  mean: `
    @group(0) @binding(0) var<storage, read> tokens: array<vec4u>;
    @group(0) @binding(1) var<storage, read> cache: array<f32>;
    @group(0) @binding(2) var<storage, read> angles: array<vec2f>;
    @group(0) @binding(3) var<storage, read> x: array<f32>;
    @group(0) @binding(4) var<storage, read_write> y: array<f32>;
    struct Uniforms { width: u32, capacity: u32, context: u32 }
    @group(0) @binding(5) var<uniform> uniforms: Uniforms;
    @compute @workgroup_size(64) fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
      let token = tokens[group.x];
      let w = uniforms.width;
      let low = angles[token.z & 255u];
      let high = angles[256u + (token.z >> 8u)];
      let cosine = low.x * high.x - low.y * high.y;
      let block = uniforms.context / 4u;
      for (var i = lane; i < w; i += 64u) {
        var total = 0.0;
        for (var b = 0u; b <= token.z; b += block) {
          var sum = 0.0;
          for (var p = b; p < min(b + block, token.z + 1u); p++) {
            sum += cache[(token.w * uniforms.capacity + p) * w + i];
          }
          total += sum;
        }
        y[group.x * w + i] = x[group.x * w + i] + cosine * total / f32(token.z + 1u);
      }
    }`,
  head: `
    struct Uniforms { width: u32, vocab: u32, first: u32, count: u32 }
    @group(0) @binding(0) var<storage, read> rows: array<u32>;
    @group(0) @binding(1) var<storage, read> matrix: array<matrix_element>;
    @group(0) @binding(2) var<storage, read> x: array<vec4f>;
    @group(0) @binding(3) var<storage, read_write> logits: array<f32>;
    @group(0) @binding(4) var<uniform> uniforms: Uniforms;
    @compute @workgroup_size(4) fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
      let row = group.x * 4u + lane;
      if (row >= uniforms.count) { return; }
      let quads = uniforms.width / 4u;
      var sum = 0.0;
      for (var i = 0u; i < quads; i++) { sum += dot(matrix_decode(matrix[row * quads + i]), x[rows[group.y] * quads + i]); }
      logits[group.y * uniforms.vocab + uniforms.first + row] = sum;
    }`,
  sample: `
    struct Settings { temperature: f32, top_k: u32, top_p: f32, min_p: f32, penalty: f32, seed: u32, step: u32, unused: u32 }
    struct Uniforms { vocab: u32, count: u32, window: u32 }
    @group(0) @binding(0) var<storage, read> logits: array<f32>;
    @group(0) @binding(1) var<storage, read_write> settings: array<Settings>;
    @group(0) @binding(2) var<storage, read_write> seen: array<u32>;
    @group(0) @binding(3) var<storage, read_write> sampled: array<u32>;
    @group(0) @binding(4) var<storage, read_write> tokens: array<vec4u>;
    @group(0) @binding(5) var<storage, read_write> sequences: array<vec4u>;
    @group(0) @binding(6) var<uniform> uniforms: Uniforms;
    fn hash(value: u32) -> u32 {
      var h = value * 747796405u + 2891336453u;
      h = ((h >> ((h >> 28u) + 4u)) ^ h) * 277803737u;
      return (h >> 22u) ^ h;
    }
    @compute @workgroup_size(1) fn main(@builtin(workgroup_id) group: vec3u) {
      let i = group.x;
      let slot = tokens[i].w;
      let words = (uniforms.vocab + 31u) / 32u;
      var best = -3e38;
      // As long as nothing is larger, which NaN never is: an id that does not exist.
      var chosen = uniforms.vocab;
      for (var v = 0u; v < uniforms.vocab; v++) {
        var logit = logits[i * uniforms.vocab + v];
        if (((seen[slot * words + (v >> 5u)] >> (v & 31u)) & 1u) == 1u) {
          logit = select(logit * settings[i].penalty, logit / settings[i].penalty, logit > 0.0);
        }
        if (settings[i].temperature > 0.0) {
          let random = (f32(hash(hash(settings[i].seed + settings[i].step * 7919u) + v) >> 8u) + 0.5) / 16777216.0;
          logit = logit / settings[i].temperature - log(-log(random));
        }
        if (logit > best) { best = logit; chosen = v; }
      }
      sampled[(settings[i].step % uniforms.window) * uniforms.count + i] = chosen;
      settings[i].step += 1u;
      let id = min(chosen, uniforms.vocab - 1u);
      seen[slot * words + (id >> 5u)] |= 1u << (id & 31u);
      let position = tokens[i].z + 1u;
      tokens[i] = vec4u(id, i, position, slot);
      sequences[i] = vec4u(slot, i, 1u, position);
    }`,
};

function step(kernelName: string, rest: Pick<Step, 'bind' | 'uniforms' | 'grid'> & Partial<Step>): Step {
  return { kernel: kernelName, label: kernelName, cost: COST, ...rest };
}

/** Which of the two activations holds the residual stream after each layer: `mean` moves it to the other. */
function stages(width: number, vocab: number, layers: readonly ('leaky' | 'mean')[], prepared: boolean): Stage[] {
  const result: Stage[] = [];
  let x = 'a';
  const embed = step('embed', {
    bind: [{ batch: 'tokens' }, { matrix: 'table' }, { activation: x }],
    uniforms: [width, 0, vocab],
    grid: ['tokens', 1, 1],
    split: { binding: 1, base: 1, count: 2, axis: 0, rowsPerWorkgroup: 0 },
  });
  result.push({ id: 'embedding', prefill: [embed], decode: [embed] });
  layers.forEach((kind, i) => {
    const id = `${kind}_${i}`;
    if (kind === 'leaky') {
      const rest = { uniforms: [width], split: undefined };
      const operands = [{ vectors: true }, { state: 'h' }, { activation: x }] as const;
      const prefill = step('leaky_prefill', {
        ...rest,
        bind: [{ batch: 'sequences' }, ...operands],
        grid: ['sequences', 1, 1],
      });
      const decode = step('leaky_decode', {
        ...rest,
        bind: [{ batch: 'tokens' }, ...operands],
        grid: ['tokens', 1, 1],
      });
      const double = step('double', {
        bind: [{ vectors: true }],
        uniforms: [width],
        grid: [['ceil_div', width, 64], 1, 1],
      });
      result.push({ id, ...(prepared ? { prepare: [double] } : {}), prefill: [prefill], decode: [decode] });
      return;
    }
    const y = x === 'a' ? 'b' : 'a';
    const remember = step('remember', {
      bind: [{ batch: 'tokens' }, { state: 'cache' }, { activation: x }],
      uniforms: [width, 'capacity'],
      grid: ['tokens', 1, 1],
    });
    // Prompts add up in blocks of one size, so that pieces do not change the sum.
    const mean = (context: Size): Step =>
      step('mean', {
        bind: [{ batch: 'tokens' }, { state: 'cache' }, { table: 'angles' }, { activation: x }, { activation: y }],
        uniforms: [width, 'capacity', context],
        grid: ['tokens', 1, 1],
      });
    const [prefill, decode] = [
      [remember, mean(64)],
      [remember, mean('context')],
    ];
    result.push({ id, output: y, prefill, decode });
    x = y;
  });
  const head = step('head', {
    bind: [{ batch: 'rows' }, { matrix: 'matrix' }, { activation: x }, { sampler: 'logits' }],
    uniforms: [width, vocab, 0, vocab],
    grid: [['ceil_div', vocab, 4], 'rows', 1],
    split: { binding: 1, base: 2, count: 3, axis: 0, rowsPerWorkgroup: 4 },
  });
  result.push({ id: 'head', prefill: [head], decode: [head] });
  const sample = step('sample', {
    bind: [
      { sampler: 'logits' },
      { sampler: 'settings' },
      { sampler: 'seen' },
      { sampler: 'sampled' },
      { batch: 'tokens' },
      { batch: 'sequences' },
    ],
    uniforms: [vocab, 'sequences', 'window'],
    grid: ['sequences', 1, 1],
  });
  result.push({ id: 'sample', prefill: [sample], decode: [sample] });
  return result;
}

export const FREQUENCY = 0.37;

export function tinyProgram(options: TinyOptions = {}): Program {
  const { vocab = 50, width = 32, layers = ['leaky', 'mean', 'leaky'], dtype = 'f32', prepared = false } = options;
  const names = layers.map((kind, i) => `${kind}_${i}`);
  const recurrent = names.filter((name) => name.startsWith('leaky'));
  const padded = Math.ceil((3 * width) / 64) * 64;
  const decay = prepared ? 'half_decay' : 'decay';
  return {
    format: 1,
    model: {
      name: 'Tiny',
      vocab,
      width,
      context: 4096,
      layers: layers.map((block) => ({ alias: block[0]!.toUpperCase(), block })),
    },
    parameters: [
      { path: 'embedding.weight', shape: [vocab, width], role: 'matrix', dtype },
      { path: 'head.weight', shape: [vocab, width], role: 'matrix', dtype },
      ...recurrent.flatMap((name) => [
        { path: `${name}.${decay}`, shape: [width], role: 'vector' as const, dtype: 'f32' as const },
        { path: `${name}.bias`, shape: [width], role: 'vector' as const, dtype: 'f32' as const },
      ]),
    ],
    matrices: ['embedding', 'head'].map((name) => ({
      id: name,
      columns: width,
      rows: vocab,
      parts: [{ parameter: `${name}.weight`, row: 0, rows: vocab, columns: width, stride: 1 }],
    })),
    vectors: recurrent.map((name) => ({
      id: name,
      elements: padded,
      parts: [
        { parameter: `${name}.${decay}`, offset: prepared ? 2 * width : 0, elements: width },
        { parameter: `${name}.bias`, offset: width, elements: width },
      ],
    })),
    states: names.map((name) => ({
      id: name,
      kind: name.startsWith('leaky') ? ('sequence' as const) : ('token' as const),
      elements: width,
      dims: [width],
    })),
    tables: [{ id: 'angles', kind: 'rotary', frequencies: [FREQUENCY] }],
    kernels: KERNELS,
    stages: stages(width, vocab, layers, prepared),
    schedule: [
      { stage: 'embedding', label: 'embedding', matrices: { table: 'embedding' }, states: {} },
      ...names.map((name, i): StageInstance =>
        name.startsWith('leaky')
          ? { stage: name, label: `layers.${i}`, matrices: {}, states: { h: name }, vectors: name }
          : { stage: name, label: `layers.${i}`, matrices: {}, states: { cache: name } },
      ),
      { stage: 'head', label: 'head', matrices: { matrix: 'head' }, states: {} },
    ],
    sample: { stage: 'sample', label: 'sample', matrices: {}, states: {} },
    activations: ['a', 'b'].map((id) => ({ id, elements: ['mul', 'tokens', width] })),
  };
}
