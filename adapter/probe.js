// Lists the adapters that Dawn finds, as JSON. It runs in a process of its own (see src/adapter.ts), because a driver may
// crash, and because a process cannot change its Vulkan library once Dawn has loaded one.
// Arguments: the Vulkan library to load first, or nothing.
import { constants } from 'node:os';

const [library] = process.argv.slice(2);
if (library) {
  try {
    process.dlopen({ exports: {} }, library, constants.dlopen.RTLD_NOW | 0x1000);
  } catch {
    // Not an addon, but loaded.
  }
}
const { create } = await import('webgpu');
const gpu = create([]);
const found = new Map();
for (const powerPreference of ['high-performance', 'low-power']) {
  const adapter = await gpu.requestAdapter({ powerPreference });
  if (!adapter) continue;
  const { vendor, architecture, device, description, isFallbackAdapter: software } = adapter.info;
  const limits = {};
  for (const name in adapter.limits) if (typeof adapter.limits[name] === 'number') limits[name] = adapter.limits[name];
  const features = [...adapter.features].sort();
  found.set(`${vendor} ${device}`, { vendor, architecture, device, description, software, features, limits });
}
process.stdout.write(JSON.stringify([...found.values()]), () => process.exit(0));
