import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { pollGently, realmOf } from './polling.js';
import { hasDriverManifest, loadedVulkan, preload, softwareVulkan } from './vulkan.js';
import type { SoftwareVulkan } from './vulkan.js';

export type AdapterKind = 'hardware' | 'software';

export interface AdapterOptions {
  /** `auto`, the default, takes the GPU where there is one. The variable `HYB_ADAPTER` says what `auto` means. */
  readonly kind?: AdapterKind | 'auto';
  /** Options for Dawn, as `enable-dawn-features=allow_unsafe_apis`. */
  readonly flags?: readonly string[];
}

export interface AdapterDescription {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  /** It computes on the CPU. */
  readonly software: boolean;
  readonly features: readonly string[];
  readonly limits: Readonly<Record<string, number>>;
}

export interface ListOptions {
  /** Called for what went wrong with a driver; the others are listed all the same. */
  readonly onProblem?: (message: string) => void;
}

/**
 * WebGPU for Node: the GPU of the machine, or else SwiftShader. A process uses one kind of adapter; it need not set anything
 * in its environment, and worker threads and jest's sandboxes may call this too.
 */
export async function gpu(options: AdapterOptions = {}): Promise<GPU> {
  const kind = await adapterKind(options.kind);
  if (process.platform === 'linux') await prepareVulkan(kind);
  const { create, globals } = await import('webgpu');
  const { instances } = stateOf(globals, kind);
  const flags = kind === 'software' ? withSlowFeaturesDisabled(options.flags ?? []) : [...(options.flags ?? [])];
  const key = flags.join('\n');
  const instance = instances.get(key) ?? create(flags);
  instances.set(key, instance);
  return instance;
}

/**
 * Dawn has the driver zero workgroup memory where it can; SwiftShader writes a store for each element, which makes up nearly
 * all of the time to compile a kernel with tiles. Without it Dawn zeroes it by a loop in the kernel.
 */
export const SLOW_ON_SOFTWARE = 'use_vulkan_zero_initialize_workgroup_memory_extension';

function withSlowFeaturesDisabled(flags: readonly string[]): string[] {
  const name = 'disable-dawn-features=';
  const disabled = flags.filter((flag) => flag.startsWith(name)).map((flag) => flag.slice(name.length));
  const others = flags.filter((flag) => !flag.startsWith(name));
  return [...others, `${name}${[...disabled, SLOW_ON_SOFTWARE].join()}`];
}

/** What `gpu` will use. */
export async function adapterKind(asked: AdapterKind | 'auto' = 'auto'): Promise<AdapterKind> {
  const kind = asked === 'auto' ? (process.env.HYB_ADAPTER ?? 'auto') : asked;
  if (kind === 'hardware' || kind === 'software') return kind;
  if (kind !== 'auto') throw new Error(`HYB_ADAPTER is '${kind}', but may be 'auto', 'hardware' or 'software'.`);
  if (process.platform !== 'linux') return 'hardware';
  const found = await (hardware ??= listHardware({}));
  return found.some((adapter) => !adapter.software) ? 'hardware' : 'software';
}

let hardware: Promise<readonly AdapterDescription[]> | undefined;

/** All adapters that `gpu` can give, the machine's own first. */
export async function listAdapters(options: ListOptions = {}): Promise<readonly AdapterDescription[]> {
  const own = await listHardware(options);
  if (process.platform !== 'linux' || process.arch !== 'x64') return own;
  return [...own, ...(await probePackaged('standalone', options))];
}

/** What an adapter is and can do, as plain data. */
export function describeAdapter(adapter: GPUAdapter): AdapterDescription {
  const { vendor, architecture, device, description } = adapter.info;
  const limits: Record<string, number> = {};
  for (const name in adapter.limits) {
    const limit: unknown = adapter.limits[name as keyof GPUSupportedLimits];
    if (typeof limit === 'number') limits[name] = limit;
  }
  const software = adapter.info.isFallbackAdapter;
  return { vendor, architecture, device, description, software, features: [...adapter.features].sort(), limits };
}

/**
 * Makes Node look like a browser to code that uses `navigator.gpu`, `navigator.userAgent` and constants such as
 * `GPUBufferUsage`.
 */
export async function installGPU(options: AdapterOptions = {}): Promise<GPU> {
  const instance = await gpu(options);
  const { globals } = await import('webgpu');
  Object.assign(globalThis, globals);
  const existing = (globalThis as { navigator?: object }).navigator;
  const navigator = existing ?? { userAgent: `Node.js/${process.versions.node.split('.')[0]}` };
  if (!existing) Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true });
  Object.defineProperty(navigator, 'gpu', { value: instance, configurable: true, enumerable: true });
  return instance;
}

async function prepareVulkan(kind: AdapterKind): Promise<void> {
  // Mesa's drivers complain without it.
  process.env.XDG_RUNTIME_DIR ??= tmpdir();
  const loaded = loadedVulkan();
  if (kind === 'software') {
    const { standalone } = await softwareVulkan();
    if (loaded === standalone) return;
    if (loaded) throw new Error(`This process already uses ${loaded}: it cannot change to the software adapter.`);
    if (!preload(standalone)) throw new Error(`${standalone} could not be loaded.`);
    return;
  }
  if (loaded?.includes('/standalone/')) {
    throw new Error('This process already uses the software adapter: it cannot change to the GPU.');
  }
  // Drivers come with the GPU, the loader does not always: containers often lack it.
  if (!loaded && !preload('libvulkan.so.1') && process.arch === 'x64') preload((await softwareVulkan()).loader);
}

async function listHardware(options: ListOptions): Promise<readonly AdapterDescription[]> {
  if (process.platform !== 'linux') return probe('', options);
  if (!hasDriverManifest()) return [];
  const problems: string[] = [];
  const own = await probe('', { onProblem: (message) => problems.push(message) });
  if (own.length === 0 && process.arch === 'x64') return probePackaged('loader', options);
  for (const problem of problems) options.onProblem?.(problem);
  return own;
}

/** By a library of the software adapter's package, which nobody need have where there is a GPU. */
async function probePackaged(
  part: 'standalone' | 'loader',
  options: ListOptions,
): Promise<readonly AdapterDescription[]> {
  let found: SoftwareVulkan;
  try {
    found = await softwareVulkan();
  } catch (error) {
    options.onProblem?.(`The software adapter is missing: ${messageOf(error)}`);
    return [];
  }
  return probe(found[part], options);
}

async function probe(library: string, { onProblem }: ListOptions): Promise<readonly AdapterDescription[]> {
  const script = fileURLToPath(new URL('../probe.js', import.meta.url));
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [script, library], { timeout: 30_000 });
    if (stderr.trim()) onProblem?.(stderr.trim());
    return JSON.parse(stdout) as AdapterDescription[];
  } catch (error) {
    onProblem?.(`A graphics driver failed: ${messageOf(error)}`);
    return [];
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

interface AddonState {
  /** By flags. Dawn crashes if an instance is collected before its devices. */
  readonly instances: Map<string, GPU>;
}

/** State is kept with the addon, which outlives the modules that jest loads anew for every test file. */
function stateOf(addon: object, kind: AdapterKind): AddonState {
  const key = Symbol.for('hyb.adapter');
  const holder = addon as { [key]?: AddonState };
  if (!holder[key]) {
    holder[key] = { instances: new Map() };
    const { GPUAdapter } = addon as { GPUAdapter: { prototype: GPUAdapter } };
    destroyDevicesAtExit(GPUAdapter);
    if (kind === 'software') pollGently(realmOf(GPUAdapter));
  }
  return holder[key];
}

/** A process that ends while a driver's threads still compute crashes (Node 22 and 24); destroying a device waits for them. */
function destroyDevicesAtExit({ prototype }: { prototype: GPUAdapter }): void {
  const devices = new Set<WeakRef<GPUDevice>>();
  const { requestDevice } = prototype;
  prototype.requestDevice = async function (this: GPUAdapter, descriptor?: GPUDeviceDescriptor) {
    const device = await requestDevice.call(this, descriptor);
    for (const each of devices) if (!each.deref()) devices.delete(each);
    devices.add(new WeakRef(device));
    return device;
  };
  process.on('exit', () => {
    for (const device of devices) device.deref()?.destroy();
  });
}
