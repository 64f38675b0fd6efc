/** What a device's matrix products reach: the measure that a training step's arithmetic is held against. */
import { USAGE } from '../memory/device-memory.js';
import type { KernelFeature } from '../program/program.js';
import type { Device } from './device.js';

/** Of the products' rows, columns and sums, which need be no larger to keep a device busy. */
const SIDE = { hardware: 1024, software: 256 } as const;
/** Milliseconds of a measurement. */
const LONG_ENOUGH = { hardware: 20, software: 40 } as const;
const ROUNDS = 3;

/**
 * Operations a second of an f32 matrix product that is written for its very size: the best of a few rounds. Takes some
 * tenths of a second, and is of use only while the device has nothing else to do.
 *
 * @throws DeviceError
 */
export async function measurePeak(device: Device): Promise<number> {
  const kind = device.features.has('hardware') ? 'hardware' : 'software';
  const side = SIDE[kind];
  const { gpu } = device;
  const buffers = [0, 1, 2].map(() => gpu.createBuffer({ size: 4 * side * side, usage: USAGE.STORAGE }));
  try {
    const { code, grid } = productKernel(side, device.features);
    const pipeline = await device.wait(
      gpu.createComputePipelineAsync({
        layout: 'auto',
        compute: { module: gpu.createShaderModule({ code }), entryPoint: 'main' },
      }),
    );
    const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }));
    const group = gpu.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
    const milliseconds = async (repetitions: number): Promise<number> => {
      const start = performance.now();
      device.record((encoder) => {
        const pass = encoder.beginComputePass();
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, group);
        for (let i = 0; i < repetitions; i++) pass.dispatchWorkgroups(...grid);
        pass.end();
      });
      await device.idle();
      return performance.now() - start;
    };
    await milliseconds(1);
    let repetitions = 1;
    let best = await milliseconds(repetitions);
    while (best < LONG_ENOUGH[kind]) best = await milliseconds((repetitions *= 4));
    for (let round = 1; round < ROUNDS; round++) best = Math.min(best, await milliseconds(repetitions));
    return (2e3 * side ** 3 * repetitions) / best;
  } finally {
    for (const buffer of buffers) buffer.destroy();
  }
}

export interface ProductKernel {
  readonly code: string;
  readonly grid: readonly [number, number, number];
}

const BINDINGS = `
@group(0) @binding(0) var<storage, read> a: array<vec4f>;
@group(0) @binding(1) var<storage, read> b: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;`;

const count = (n: number): readonly number[] => Array.from({ length: n }, (_, i) => i);

/** y = aᵀ b, all [side, side], side a multiple of 64: both factors are read row by row, in fours. */
export function productKernel(side: number, features: ReadonlySet<KernelFeature>): ProductKernel {
  if (features.has('hardware')) return throughTiles(side);
  return inRegisters(side, features.has('subgroups'));
}

/** 64 × 64 results a workgroup, 4 × 4 an invocation, steps of 16 through workgroup memory. */
function throughTiles(side: number): ProductKernel {
  const quads = side / 4;
  const lanes = ['x', 'y', 'z', 'w'] as const;
  const code = `${BINDINGS}
var<workgroup> a_tile: array<vec4f, 256>;
var<workgroup> b_tile: array<vec4f, 256>;
@compute @workgroup_size(16, 16)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u, @builtin(local_invocation_index) index: u32) {
  ${lanes.map((lane) => `var sum_${lane} = vec4f();`).join(' ')}
  for (var k = 0u; k < ${side}u; k += 16u) {
    a_tile[index] = a[(k + local.y) * ${quads}u + group.y * 16u + local.x];
    b_tile[index] = b[(k + local.y) * ${quads}u + group.x * 16u + local.x];
    workgroupBarrier();
    for (var j = 0u; j < 16u; j++) {
      let p = a_tile[j * 16u + local.y];
      let q = b_tile[j * 16u + local.x];
      ${lanes.map((lane) => `sum_${lane} += q * p.${lane};`).join(' ')}
    }
    workgroupBarrier();
  }
  let row = group.y * 64u + local.y * 4u;
  let quad = group.x * 16u + local.x;
  ${lanes.map((lane, i) => `y[(row + ${i}u) * ${quads}u + quad] = sum_${lane};`).join(' ')}
}`;
  return { code, grid: [side / 64, side / 64, 1] };
}

/** 16 × 8 results an invocation in registers; with subgroups each lane loads a four of `a` and hands it round. */
function inRegisters(side: number, subgroups: boolean): ProductKernel {
  const quads = side / 4;
  const [fours, columns, group] = [4, 2, 8];
  const code = `${subgroups ? 'enable subgroups;' : ''}${BINDINGS}
@compute @workgroup_size(${group})
fn main(@builtin(workgroup_id) id: vec3u, @builtin(local_invocation_index) local: u32${subgroups ? ', @builtin(subgroup_invocation_id) invocation: u32' : ''}) {
  ${subgroups ? 'let lane = min(invocation, 3u);' : ''}
  let four = id.y * ${fours}u;
  let quad = (id.x * ${group}u + local) * ${columns}u;
  ${count(4 * fours)
    .map((r) =>
      count(columns)
        .map((c) => `var sum_${r}_${c} = vec4f();`)
        .join(' '),
    )
    .join(' ')}
  for (var k = 0u; k < ${side}u; k++) {
    ${count(columns)
      .map((c) => `let b_${c} = b[k * ${quads}u + quad + ${c}u];`)
      .join(' ')}
    ${subgroups ? `let own = a[k * ${quads}u + four + lane];` : ''}
    ${count(fours)
      .map((f) => {
        const value = subgroups ? `subgroupBroadcast(own, ${f}u)` : `a[k * ${quads}u + four + ${f}u]`;
        const sums = count(4).flatMap((i) =>
          count(columns).map((c) => `sum_${4 * f + i}_${c} += b_${c} * a_${f}[${i}];`),
        );
        return `let a_${f} = ${value}; ${sums.join(' ')}`;
      })
      .join('\n    ')}
  }
  ${count(4 * fours)
    .flatMap((r) => count(columns).map((c) => `y[(four * 4u + ${r}u) * ${quads}u + quad + ${c}u] = sum_${r}_${c};`))
    .join('\n  ')}
}`;
  return { code, grid: [quads / columns / group, quads / fours, 1] };
}
