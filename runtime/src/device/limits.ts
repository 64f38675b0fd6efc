/** The limits that decide how a program is laid out on a device. */
export interface DeviceLimits {
  readonly maxStorageBufferBindingSize: number;
  readonly maxBufferSize: number;
  readonly maxStorageBuffersPerShaderStage: number;
  readonly maxUniformBufferBindingSize: number;
  readonly minUniformBufferOffsetAlignment: number;
  readonly minStorageBufferOffsetAlignment: number;
  readonly maxComputeWorkgroupStorageSize: number;
  readonly maxComputeInvocationsPerWorkgroup: number;
  readonly maxComputeWorkgroupSizeX: number;
  readonly maxComputeWorkgroupSizeY: number;
  readonly maxComputeWorkgroupSizeZ: number;
  readonly maxComputeWorkgroupsPerDimension: number;
}

const NAMES = [
  'maxStorageBufferBindingSize',
  'maxBufferSize',
  'maxStorageBuffersPerShaderStage',
  'maxUniformBufferBindingSize',
  'minUniformBufferOffsetAlignment',
  'minStorageBufferOffsetAlignment',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupSizeZ',
  'maxComputeWorkgroupsPerDimension',
] as const satisfies readonly (keyof DeviceLimits)[];

/** What a device offers, narrowed by what a test or a cautious application allows. */
export function effectiveLimits(offered: GPUSupportedLimits, forced: Partial<DeviceLimits> = {}): DeviceLimits {
  const limits: Record<string, number> = {};
  for (const name of NAMES) {
    const alignment = name.startsWith('min');
    const wanted = forced[name] ?? offered[name];
    limits[name] = alignment ? Math.max(offered[name], wanted) : Math.min(offered[name], wanted);
  }
  return limits as unknown as DeviceLimits;
}

/** What to ask an adapter for: all it has of the limits that matter, so that as little as possible has to be split. */
export function limitsToRequest(adapter: GPUSupportedLimits): Record<string, number> {
  const required: Record<string, number> = {};
  for (const name of NAMES) if (name.startsWith('max')) required[name] = adapter[name];
  return required;
}
