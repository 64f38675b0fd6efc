import { checkResult, inputs, operationsOf } from '../kernels/cases.js';
import type { LinearCase } from '../kernels/cases.js';
import type { Task } from '../rounds/contender.js';
import { GpuKernel, readBuffer, storageBuffer } from './gpu.js';

/** The faster of hand-written matrix products for this very size: nothing is masked, nothing split, nothing decoded. */
export async function bestMatmul(device: GPUDevice, c: LinearCase): Promise<Task | undefined> {
  if (c.rows % 64 !== 0 || c.outputs % 64 !== 0 || c.columns % 16 !== 0) return undefined;
  const data = inputs(c);
  const [x, w, y] = [
    storageBuffer(device, data.x),
    storageBuffer(device, data.w),
    storageBuffer(device, 4 * c.rows * c.outputs),
  ];
  let best: { kernel: GpuKernel; milliseconds: number } | undefined;
  const ways = [inRegisters(c, 8), inRegisters(c, 16), inTiles(c)];
  if (device.features.has('subgroups')) ways.push(handedRound(c));
  for (const { code, grid } of ways) {
    const kernel = await GpuKernel.create(device, { code, buffers: [x, w, y], grid });
    kernel.dispatch(1);
    checkResult(c, data, new Float32Array(await readBuffer(device, y)));
    const start = performance.now();
    kernel.dispatch(1);
    await kernel.finished();
    const milliseconds = performance.now() - start;
    if (!best || milliseconds < best.milliseconds) best = { kernel, milliseconds };
  }
  return best!.kernel.task(operationsOf(c));
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

/** 16 × 8 results an invocation; the lanes of a subgroup load a row vector each and hand it round: best where loads cost. */
function handedRound(c: LinearCase): Source {
  const [vectors, rows, group] = [16, 8, 4];
  const columns4 = c.columns / 4;
  const count = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
  const code = `enable subgroups;${BINDINGS}
@compute @workgroup_size(${group})
fn main(@builtin(workgroup_id) id: vec3u, @builtin(local_invocation_index) local: u32, @builtin(subgroup_invocation_id) invocation: u32) {
  let lane = min(invocation, 3u);
  let row = id.y * ${vectors}u;
  let output = (id.x * ${group}u + local) * ${rows}u;
  ${count(vectors)
    .flatMap((r) => count(rows).map((o) => `var s${r}_${o} = 0.0;`))
    .join(' ')}
  for (var k = 0u; k < ${columns4}u; k++) {
    ${count(vectors / 4)
      .map((i) => `let x${i} = x[(row + ${4 * i}u + lane) * ${columns4}u + k];`)
      .join('\n    ')}
    ${count(rows)
      .map((o) => `let w${o} = w[(output + ${o}u) * ${columns4}u + k];`)
      .join('\n    ')}
    ${count(vectors)
      .map(
        (r) =>
          `{ let v = subgroupBroadcast(x${r >> 2}, ${r % 4}u); ${count(rows)
            .map((o) => `s${r}_${o} += dot(v, w${o});`)
            .join(' ')} }`,
      )
      .join('\n    ')}
  }
  ${count(vectors)
    .flatMap((r) => count(rows).map((o) => `y[(row + ${r}u) * ${c.outputs}u + output + ${o}u] = s${r}_${o};`))
    .join('\n  ')}
}`;
  return { code, grid: [c.outputs / rows / group, c.rows / vectors, 1] };
}
