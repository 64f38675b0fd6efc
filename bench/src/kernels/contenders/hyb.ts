import { gpu } from '@hyb/adapter';
import { createGraphBuilder } from '@hyb/compiler/graph/builder';
import { dim, tensor } from '@hyb/compiler/graph/types';
import { TOKENS } from '@hyb/compiler/fuse/axis';
import type { CallOperand, KernelCall } from '@hyb/compiler/lower/call';
import { lower } from '@hyb/compiler/lower/lower';
import { printWgsl } from '@hyb/compiler/wgsl/index';
import { version } from '@hyb/compiler';
import { evaluateSize, openDevice, weightsPrelude } from '@hyb/runtime';
import type { Device, SizeValues } from '@hyb/runtime';
import { checkResult, inputs, operationsOf } from '../cases.js';
import type { LinearCase } from '../cases.js';
import type { Contender } from '../../rounds/contender.js';
import { GpuKernel, readBuffer, storageBuffer } from '../../limits/gpu.js';

/** The kernel that the compiler makes of one projection, in the variant that the device takes. */
export async function hyb(): Promise<Contender> {
  const device = await openDevice({ gpu: await gpu() });
  return {
    version,
    prepare: async (c) => {
      if (c.kind !== 'linear') return undefined;
      const data = inputs(c);
      const { call, result } = lowered(c);
      const buffers = new Map<string, GPUBuffer>();
      const kernel = await kernelOf(device, c, call, (operand) => {
        const key = JSON.stringify(operand);
        let buffer = buffers.get(key);
        if (!buffer) buffers.set(key, (buffer = makeBuffer(device.gpu, c, data, operand, result)));
        return buffer;
      });
      kernel.dispatch(1);
      const made = buffers.get(JSON.stringify(result))!;
      checkResult(c, data, new Float32Array(await readBuffer(device.gpu, made)));
      return {
        amount: operationsOf(c),
        run: (repetitions) => {
          kernel.dispatch(repetitions);
          return kernel.finished();
        },
        dispose: () => buffers.forEach((b) => b.destroy()),
      };
    },
  };
}

/** The kernel of the projection, and the operand that it leaves its result in. */
function lowered(c: LinearCase): { readonly call: KernelCall; readonly result: CallOperand } {
  const [inner, out] = [dim('width', c.columns), dim('out', c.outputs)];
  const b = createGraphBuilder({ width: c.columns });
  const x = b.input('x');
  const w = b.parameter({
    path: 'weight',
    type: tensor([out, inner]),
    init: { kind: 'normal', std: 1 },
    role: 'matrix',
  });
  const mode = c.rows === 1 ? 'decode' : 'prefill';
  // In a prompt a projection reads what a kernel before it has stored, such as a norm's result.
  const input = mode === 'prefill' ? b.add('mul', [x, b.constant(1)], {}) : x;
  const graph = b.finish('bench', b.add('linear', [input, w], { in: ['width'], out: [out] }));
  const calls = lower(graph, { mode, fused: true, axis: TOKENS, inPlace: false });
  return { call: calls[calls.length - 1]!, result: { kind: 'value', node: graph.output } };
}

async function kernelOf(
  device: Device,
  c: LinearCase,
  call: KernelCall,
  bufferOf: (operand: CallOperand) => GPUBuffer,
): Promise<GpuKernel> {
  const kernel = call.variants.find((v) => v.requires.every((f) => device.features.has(f)))!;
  const preludes = kernel.buffers.filter((b) => b.element === 'weights').map((b) => weightsPrelude(b.name, c.storage));
  const tiles = (size: number): number => Math.ceil(c.rows / size);
  const sizes: SizeValues = {
    tokens: c.rows,
    sequences: 1,
    rows: c.rows,
    tiles16: tiles(16),
    tiles32: tiles(32),
    tiles64: tiles(64),
    tiles128: tiles(128),
    context: c.rows,
    capacity: c.rows,
    slots: 1,
    window: 1,
  };
  const uniforms = kernel.uniforms.map(({ name }) => {
    const value = call.uniforms[name]!;
    if (typeof value === 'object' && 'f32' in value) throw new Error('a projection has no such uniform');
    return evaluateSize(value, sizes);
  });
  const [across, ...others] = call.grid.map((s) => evaluateSize(s, sizes)) as [number, number, number];
  return GpuKernel.create(device.gpu, {
    code: [printWgsl(kernel), ...preludes].join('\n'),
    buffers: kernel.buffers.map((b) => bufferOf(call.bindings[b.name]!)),
    uniforms,
    grid: [Math.ceil(across / (kernel.folds ?? 1)), ...others],
  });
}

function makeBuffer(
  gpuDevice: GPUDevice,
  c: LinearCase,
  data: ReturnType<typeof inputs>,
  operand: CallOperand,
  result: CallOperand,
): GPUBuffer {
  if (operand.kind === 'matrix') return storageBuffer(gpuDevice, c.storage === 'f32' ? data.w : bf16(data.w));
  if (JSON.stringify(operand) === JSON.stringify(result)) return storageBuffer(gpuDevice, 4 * c.rows * c.outputs);
  return storageBuffer(gpuDevice, data.x);
}

/** The upper halves; the values have no more bits than that. */
function bf16(values: Float32Array): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  return Uint16Array.from(words, (word) => word >>> 16);
}
