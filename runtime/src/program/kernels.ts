import type { Device } from '../device/device.js';
import { DeviceError, ProgramError } from '../errors.js';
import { messageOf } from '../messages.js';
import { weightsEnables, weightsPrelude } from '../shaders/weights.js';
import type { KernelSpec, KernelVariant, Program, StorageType, WgslSources } from './program.js';

export interface CompiledKernel {
  readonly name: string;
  readonly spec: KernelSpec;
  readonly variant: KernelVariant;
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

interface Layout {
  readonly key: string;
  readonly group: GPUBindGroupLayout;
  readonly pipeline: GPUPipelineLayout;
}

const COMPUTE_STAGE = 4;

/** Pipelines by layout and code, for as long as the device lives: models that share kernels compile them once. */
const pipelines = new WeakMap<GPUDevice, Map<string, Promise<GPUComputePipeline>>>();

/**
 * The kernels of a program, each compiled once for each combination of storage types that its weights have. Layers that
 * share a stage share kernels, so there are a few dozen whatever the model's depth.
 */
export class Kernels {
  readonly #program: Program;
  readonly #sources: WgslSources;
  readonly #device: Device;
  readonly #layouts = new Map<string, Layout>();
  readonly #compiled = new Map<string, Promise<CompiledKernel>>();
  readonly #ready = new Map<string, CompiledKernel>();

  constructor(program: Program, sources: WgslSources, device: Device) {
    this.#program = program;
    this.#sources = sources;
    this.#device = device;
  }

  /** Pipelines made. */
  get count(): number {
    return this.#ready.size;
  }

  /** Starts compiling. `storage`: of each weights binding, in order. */
  compile(name: string, storage: readonly StorageType[]): Promise<CompiledKernel> {
    const key = `${name} ${storage.join()}`;
    let compiled = this.#compiled.get(key);
    if (!compiled) {
      compiled = this.#compile(name, storage).then((kernel) => {
        this.#ready.set(key, kernel);
        return kernel;
      });
      // Awaited by all who asked; until then a failure must not count as unhandled.
      compiled.catch(() => undefined);
      this.#compiled.set(key, compiled);
    }
    return compiled;
  }

  /** @throws ProgramError */
  spec(name: string): KernelSpec {
    const spec = this.#program.kernels[name];
    if (!spec) throw new ProgramError('bad-program', `There is no kernel ${name}.`);
    return spec;
  }

  /** A kernel whose compilation has ended. */
  get(name: string, storage: readonly StorageType[]): CompiledKernel {
    const kernel = this.#ready.get(`${name} ${storage.join()}`);
    if (!kernel) throw new ProgramError('bad-program', `Kernel ${name} was not compiled.`);
    return kernel;
  }

  async #compile(name: string, storage: readonly StorageType[]): Promise<CompiledKernel> {
    const spec = this.spec(name);
    const variant = chooseVariant(name, spec, this.#device);
    const layout = this.#layout(name, spec);
    const code = this.#code(spec, variant, storage);
    const { gpu } = this.#device;
    const known = pipelines.get(gpu) ?? new Map<string, Promise<GPUComputePipeline>>();
    pipelines.set(gpu, known);
    const key = `${layout.key}\n${code}`;
    let pipeline = known.get(key);
    if (!pipeline) {
      pipeline = this.#createPipeline(name, variant.source, code, layout.pipeline);
      known.set(key, pipeline);
      pipeline.catch(() => known.delete(key));
    }
    return { name, spec, variant, pipeline: await pipeline, layout: layout.group };
  }

  async #createPipeline(
    name: string,
    source: string,
    code: string,
    layout: GPUPipelineLayout,
  ): Promise<GPUComputePipeline> {
    const { gpu } = this.#device;
    gpu.pushErrorScope('validation');
    const module = gpu.createShaderModule({ label: source, code });
    const invalid = gpu.popErrorScope();
    try {
      const error = await invalid;
      if (error) throw new Error(error.message);
      return await gpu.createComputePipelineAsync({ label: name, layout, compute: { module, entryPoint: 'main' } });
    } catch (error) {
      this.#device.check();
      const { messages } = await module.getCompilationInfo();
      const places = messages
        .filter(({ type }) => type === 'error')
        .map(({ lineNum, linePos, message }) => `\n  ${source}:${lineNum}:${linePos} ${message}`)
        .join('');
      const text = `The kernel ${name} does not compile.${places || ` ${messageOf(error)}`}`;
      throw new ProgramError('bad-program', text, { cause: error });
    }
  }

  #code(spec: KernelSpec, variant: KernelVariant, storage: readonly StorageType[]): string {
    const { features } = this.#device;
    const source = this.#sources[variant.source];
    if (source === undefined) throw new ProgramError('bad-program', `There is no WGSL source ${variant.source}.`);
    const constants = (variant.constants ?? []).map(({ name, value }) => `const ${name}: u32 = ${value}u;\n`);
    const preludes = spec.bindings
      .filter(({ weights }) => weights)
      .map(({ name }, i) => weightsPrelude(name, storage[i]!, features));
    return [`${weightsEnables(storage, features)}${source}`, ...constants, ...preludes].join('\n');
  }

  #layout(name: string, spec: KernelSpec): Layout {
    const types: GPUBufferBindingType[] = spec.bindings.map(({ type }) =>
      type === 'read' ? 'read-only-storage' : 'storage',
    );
    const most = this.#device.limits.maxStorageBuffersPerShaderStage;
    if (types.length > most) {
      throw new DeviceError(
        'over-limit',
        `The kernel ${name} binds ${types.length} storage buffers; this device allows ${most}.`,
        { needed: types.length, available: most },
      );
    }
    if (spec.uniforms.length > 0) types.push('uniform');
    const key = types.join();
    let layout = this.#layouts.get(key);
    if (!layout) {
      const entries = types.map((type, binding) => ({ binding, visibility: COMPUTE_STAGE, buffer: { type } }));
      const group = this.#device.gpu.createBindGroupLayout({ entries });
      layout = { key, group, pipeline: this.#device.gpu.createPipelineLayout({ bindGroupLayouts: [group] }) };
      this.#layouts.set(key, layout);
    }
    return layout;
  }
}

/** The first variant that the device can run. */
export function chooseVariant(
  name: string,
  spec: KernelSpec,
  device: Pick<Device, 'limits' | 'features'>,
): KernelVariant {
  const { limits, features } = device;
  const problems: string[] = [];
  for (const variant of spec.variants) {
    const missing = variant.requires.filter((feature) => !features.has(feature));
    const [x, y, z] = variant.workgroupSize;
    if (missing.length > 0) problems.push(missing.join(' and '));
    else if (variant.workgroupMemory > limits.maxComputeWorkgroupStorageSize) {
      problems.push(
        `${variant.workgroupMemory} bytes of workgroup memory (${limits.maxComputeWorkgroupStorageSize} here)`,
      );
    } else if (
      x * y * z > limits.maxComputeInvocationsPerWorkgroup ||
      x > limits.maxComputeWorkgroupSizeX ||
      y > limits.maxComputeWorkgroupSizeY ||
      z > limits.maxComputeWorkgroupSizeZ
    ) {
      problems.push(`workgroups of ${x}×${y}×${z} (${limits.maxComputeInvocationsPerWorkgroup} invocations here)`);
    } else return variant;
  }
  const available = [...features].join(', ') || 'no optional features';
  throw new DeviceError(
    'missing-feature',
    `No variant of the kernel ${name} runs on this device. They need: ${problems.join('; or ')}.`,
    { needed: problems.join(' | '), available },
  );
}
