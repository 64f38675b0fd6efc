/** What the adapter at hand reaches with kernels that do nothing else: the limit that ours are held against. */
import { gpu } from '@hyb/adapter';
import { openDevice } from '@hyb/runtime';
import { checkResult, inputs, operationsOf } from '../cases.js';
import type { LinearCase } from '../cases.js';
import type { Contender, ContenderName, Task } from '../contender.js';
import { GpuKernel, readBuffer, storageBuffer } from '../gpu.js';

type Limit = Extract<ContenderName, `limit-${string}`>;

export function limit(which: Limit): () => Promise<Contender> {
  return async () => {
    const device = (await openDevice({ gpu: await gpu() })).gpu;
    const make = { 'limit-matmul': bestMatmul, 'limit-arithmetic': arithmetic, 'limit-stream': stream }[which];
    return { version: '', prepare: (c) => make(device, c) };
  };
}

function task(kernel: GpuKernel, amount: number): Task {
  return {
    amount,
    run: (repetitions) => {
      kernel.dispatch(repetitions);
      return kernel.finished();
    },
  };
}

/** Products and sums in registers: 32 independent chains, so that none waits for another. */
async function arithmetic(device: GPUDevice): Promise<Task> {
  const [steps, groups, threads, chains] = [512, 64, 64, 8];
  const names = Array.from({ length: chains }, (_, i) => `a${i}`);
  const code = `
@group(0) @binding(0) var<storage, read_write> result: array<vec4f>;
@compute @workgroup_size(${threads})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let factor = vec4f(f32(id.x) * 1e-9 + 0.999);
  let summand = vec4f(f32(id.x) * 1e-6);
  ${names.map((a, i) => `var ${a} = summand * ${i + 1}.0;`).join('\n  ')}
  for (var i = 0u; i < ${steps}u; i++) {
    ${names.map((a) => `${a} = ${a} * factor + summand;`).join('\n    ')}
  }
  result[id.x] = ${names.join(' + ')};
}`;
  const buffers = [storageBuffer(device, 16 * groups * threads)];
  const kernel = await GpuKernel.create(device, { code, buffers, grid: [groups, 1, 1] });
  return task(kernel, 2 * 4 * chains * steps * groups * threads);
}

/** Reads 128 MiB, once, and keeps a sum. */
async function stream(device: GPUDevice): Promise<Task> {
  const bytes = Math.min(128 * 2 ** 20, device.limits.maxStorageBufferBindingSize);
  const [groups, threads] = [256, 64];
  const each = bytes / 16 / (groups * threads);
  const code = `
@group(0) @binding(0) var<storage, read> data: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> result: array<vec4f>;
@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  var sum = array<vec4f, 4>();
  let first = group.x * ${each * threads}u + local;
  for (var i = 0u; i < ${each / 4}u; i++) {
    let at = first + i * ${4 * threads}u;
    sum[0] += data[at];
    sum[1] += data[at + ${threads}u];
    sum[2] += data[at + ${2 * threads}u];
    sum[3] += data[at + ${3 * threads}u];
  }
  result[group.x * ${threads}u + local] = sum[0] + sum[1] + sum[2] + sum[3];
}`;
  const buffers = [storageBuffer(device, bytes), storageBuffer(device, 16 * groups * threads)];
  const kernel = await GpuKernel.create(device, { code, buffers, grid: [groups, 1, 1] });
  return task(kernel, bytes);
}

/** The faster of hand-written matrix products for this very size: nothing is masked, nothing split, nothing decoded. */
async function bestMatmul(device: GPUDevice, c: LinearCase): Promise<Task | undefined> {
  if (c.rows % 64 !== 0 || c.outputs % 64 !== 0 || c.columns % 16 !== 0) return undefined;
  const data = inputs(c);
  const [x, w, y] = [
    storageBuffer(device, data.x),
    storageBuffer(device, data.w),
    storageBuffer(device, 4 * c.rows * c.outputs),
  ];
  let best: { kernel: GpuKernel; milliseconds: number } | undefined;
  for (const { code, grid } of [inRegisters(c, 8), inRegisters(c, 16), inTiles(c)]) {
    const kernel = await GpuKernel.create(device, { code, buffers: [x, w, y], grid });
    kernel.dispatch(1);
    checkResult(c, data, new Float32Array(await readBuffer(device, y)));
    const start = performance.now();
    kernel.dispatch(1);
    await kernel.finished();
    const milliseconds = performance.now() - start;
    if (!best || milliseconds < best.milliseconds) best = { kernel, milliseconds };
  }
  return task(best!.kernel, operationsOf(c));
}

const BINDINGS = `
@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> w: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;`;

interface Source {
  readonly code: string;
  readonly grid: readonly [number, number, number];
}

/** An invocation makes `side` × `side` results straight from storage: best where workgroup memory is plain memory. */
function inRegisters(c: LinearCase, side: number): Source {
  const [columns4, group] = [c.columns / 4, 4];
  const each = Array.from({ length: side }, (_, i) => i);
  const code = `${BINDINGS}
@compute @workgroup_size(${group}, ${group})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = id.y * ${side}u;
  let output = id.x * ${side}u;
  ${each.flatMap((r) => each.map((o) => `var s${r}_${o} = 0.0;`)).join(' ')}
  for (var k = 0u; k < ${columns4}u; k++) {
    ${each.map((o) => `let w${o} = w[(output + ${o}u) * ${columns4}u + k];`).join('\n    ')}
    ${each
      .map(
        (r) =>
          `{ let v = x[(row + ${r}u) * ${columns4}u + k]; ${each.map((o) => `s${r}_${o} += dot(v, w${o});`).join(' ')} }`,
      )
      .join('\n    ')}
  }
  ${each.flatMap((r) => each.map((o) => `y[(row + ${r}u) * ${c.outputs}u + output + ${o}u] = s${r}_${o};`)).join('\n  ')}
}`;
  return { code, grid: [c.outputs / side / group, c.rows / side / group, 1] };
}

/** Tiles of 64 × 64 in workgroup memory, 4 × 4 results an invocation: best on GPUs. */
function inTiles(c: LinearCase): Source {
  const [tile, side, step4] = [64, 16, 4];
  const columns4 = c.columns / 4;
  const each = [0, 1, 2, 3];
  const code = `${BINDINGS}
var<workgroup> xs: array<vec4f, ${tile * step4}>;
var<workgroup> ws: array<vec4f, ${tile * step4}>;
@compute @workgroup_size(${side}, ${side})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u, @builtin(local_invocation_index) index: u32) {
  let line = index / ${step4}u;
  let column = index % ${step4}u;
  ${each.flatMap((r) => each.map((o) => `var s${r}_${o} = 0.0;`)).join(' ')}
  for (var k = 0u; k < ${columns4}u; k += ${step4}u) {
    xs[column * ${tile}u + line] = x[(group.y * ${tile}u + line) * ${columns4}u + k + column];
    ws[column * ${tile}u + line] = w[(group.x * ${tile}u + line) * ${columns4}u + k + column];
    workgroupBarrier();
    for (var j = 0u; j < ${step4}u; j++) {
      ${each.map((o) => `let w${o} = ws[j * ${tile}u + local.x + ${o * side}u];`).join('\n      ')}
      ${each
        .map(
          (r) =>
            `{ let v = xs[j * ${tile}u + local.y + ${r * side}u]; ${each.map((o) => `s${r}_${o} += dot(v, w${o});`).join(' ')} }`,
        )
        .join('\n      ')}
    }
    workgroupBarrier();
  }
  ${each
    .flatMap((r) =>
      each.map(
        (o) =>
          `y[(group.y * ${tile}u + local.y + ${r * side}u) * ${c.outputs}u + group.x * ${tile}u + local.x + ${o * side}u] = s${r}_${o};`,
      ),
    )
    .join('\n  ')}
}`;
  return { code, grid: [c.outputs / tile, c.rows / tile, 1] };
}
