import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { readFile, mkdir, writeFile } from 'node:fs/promises';
import { constants, homedir } from 'node:os';
import { join } from 'node:path';
import { unpack } from './cache.js';

const loader = 'libvulkan.so.1';
const swiftshader = 'libvk_swiftshader.so';

export interface SoftwareVulkan {
  /** Folder with `libvulkan.so.1` (the Khronos loader) and `libvk_swiftshader.so`: for `LD_LIBRARY_PATH` of other programs. */
  readonly folder: string;
  /** Driver manifest: for `VK_DRIVER_FILES` and `VK_ICD_FILENAMES` of other programs. */
  readonly manifest: string;
  /** The Khronos loader, which finds the drivers of the system. */
  readonly loader: string;
  /** SwiftShader under the loader's name, which needs neither loader nor manifest nor environment variables. */
  readonly standalone: string;
}

/** SwiftShader, unpacked on first use. */
export async function softwareVulkan(): Promise<SoftwareVulkan> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(`There is no software adapter for ${process.platform}-${process.arch}, only for linux-x64.`);
  }
  const folder = await unpack('swiftshader', ['swiftshader.tar.br'], renameLibrary);
  return {
    folder,
    manifest: join(folder, 'vk_swiftshader_icd.json'),
    loader: join(folder, loader),
    standalone: join(folder, 'standalone', loader),
  };
}

/** Environment with which another program (Deno, say) finds SwiftShader as its only Vulkan driver. */
export async function softwareEnvironment(): Promise<Record<string, string>> {
  const { folder, manifest } = await softwareVulkan();
  const path = process.env.LD_LIBRARY_PATH;
  return {
    LD_LIBRARY_PATH: path ? `${folder}:${path}` : folder,
    VK_DRIVER_FILES: manifest,
    VK_ICD_FILENAMES: manifest,
    XDG_RUNTIME_DIR: process.env.XDG_RUNTIME_DIR ?? folder,
  };
}

/**
 * Dawn asks the dynamic linker for `libvulkan.so.1`, and the linker answers with a library that is already loaded if that
 * is the library's own name (its SONAME). SwiftShader has the loader's entry points; with the name changed it can take the
 * loader's place, so that no environment variable has to be set before the process starts.
 */
async function renameLibrary(folder: string): Promise<void> {
  const library = await readFile(join(folder, swiftshader));
  const name = Buffer.from(`${swiftshader}\0`);
  const at = library.indexOf(name);
  if (at < 0 || library.indexOf(name, at + 1) >= 0) throw new Error(`${swiftshader} does not name itself as expected.`);
  library.write(`${loader}\0`, at, 'latin1');
  await mkdir(join(folder, 'standalone'));
  await writeFile(join(folder, 'standalone', loader), library, { mode: 0o755 });
}

/** Loads a Vulkan library for good, before Dawn looks for it. Returns false if there is no such library. */
export function preload(library: string): boolean {
  // musl and glibc agree on the number; Node has no constant for it. Without it Node would unload the library again.
  const RTLD_NODELETE = 0x1000;
  try {
    process.dlopen({ exports: {} }, library, constants.dlopen.RTLD_NOW | RTLD_NODELETE);
  } catch {
    // Node looks for an addon in it, finds none and says so: only the loading matters here.
  }
  return loadedVulkan() !== undefined;
}

/** Path of the Vulkan library that this process has loaded. */
export function loadedVulkan(): string | undefined {
  return /\s(\/\S.*\/libvulkan\.so[^\n/]*)$/m.exec(readFileSync('/proc/self/maps', 'utf8'))?.[1];
}

/** Whether anything is installed that might be a Vulkan driver. Cheap, so that machines without one pay nothing. */
export function hasDriverManifest(environment: NodeJS.ProcessEnv = process.env): boolean {
  if (environment.VK_DRIVER_FILES ?? environment.VK_ICD_FILENAMES ?? environment.VK_ADD_DRIVER_FILES) return true;
  const home = homedir();
  const folders = [
    environment.XDG_CONFIG_HOME ?? join(home, '.config'),
    ...(environment.XDG_CONFIG_DIRS ?? '/etc/xdg').split(':'),
    '/etc',
    environment.XDG_DATA_HOME ?? join(home, '.local/share'),
    ...(environment.XDG_DATA_DIRS ?? '/usr/local/share:/usr/share').split(':'),
  ];
  return folders
    .map((folder) => join(folder, 'vulkan/icd.d'))
    .some((folder) => existsSync(folder) && readdirSync(folder).some((file) => file.endsWith('.json')));
}
