import type { Device } from '../device/device.js';
import type { DeviceMemory } from '../memory/device-memory.js';
import type { Readback } from '../memory/readback.js';
import type { Program } from '../program/program.js';

/** What states need of the model that they belong to. */
export interface StateContext {
  readonly program: Program;
  readonly device: Device;
  readonly memory: DeviceMemory;
  readonly readback: Readback;
  /** All that live, to be disposed of with the model. */
  readonly states: Set<{ dispose(): void }>;
}
