/** Kernels of the update, and dispatches of them. */
import type { Device } from '../device/device.js';
import { USAGE, type DeviceMemory } from '../memory/device-memory.js';
import type { CompiledKernel, Kernels } from '../program/kernels.js';
import type { PlannedDispatch } from '../program/plan.js';
import type { Program } from '../program/program.js';
import type { TrainingTable } from '../program/training.js';

/** Invocations of a workgroup, as the kernels have them. */
export const THREADS = 64;
const MOST_GROUPS = 32_768;
const UNIFORM = USAGE.UNIFORM | USAGE.COPY_DST;

export class UpdateKernels {
  constructor(
    readonly program: Program,
    readonly device: Device,
    readonly memory: DeviceMemory,
    readonly kernels: Kernels,
  ) {}

  #step(name: string) {
    return this.program.training!.update[name]!;
  }

  async compile(names: Iterable<string>): Promise<void> {
    await Promise.all([...new Set(names)].map((name) => this.kernels.compile(this.#step(name).kernel, [])));
  }

  /** @param groups a number of them is folded where the grid would be too long */
  dispatch(
    name: string,
    uniforms: Readonly<Record<string, number>>,
    groups: number | readonly [number, number, number],
    bind: (table: TrainingTable) => GPUBufferBinding,
    operations = 0,
  ): PlannedDispatch {
    const step = this.#step(name);
    const kernel: CompiledKernel = this.kernels.get(step.kernel, []);
    const { gpu } = this.device;
    const entries: GPUBindGroupEntry[] = step.bind.map((operand, binding) => ({
      binding,
      resource: bind((operand as { readonly training: TrainingTable }).training),
    }));
    const words = new Uint32Array(kernel.spec.uniforms.length);
    const floats = new Float32Array(words.buffer);
    kernel.spec.uniforms.forEach(({ name: field, type }, i) => {
      (type === 'f32' ? floats : words)[i] = uniforms[field]!;
    });
    const buffer = this.memory.buffer('uniforms', Math.ceil(words.length / 4) * 16, UNIFORM, 'other');
    gpu.queue.writeBuffer(buffer, 0, words);
    entries.push({ binding: step.bind.length, resource: { buffer } });
    const bindGroup = gpu.createBindGroup({ label: name, layout: kernel.layout, entries });
    return { pipeline: kernel.pipeline, bindGroup, grid: gridOf(groups), instance: 0, operations };
  }
}

function gridOf(groups: number | readonly [number, number, number]): readonly [number, number, number] {
  const [count, y, z] = typeof groups === 'number' ? [groups, 1, 1] : groups;
  const x = Math.min(count, MOST_GROUPS);
  return [x, y * Math.ceil(count / x), z];
}
