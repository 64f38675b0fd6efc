import type { Device } from '../device/device.js';
import { overLimit } from '../device/device.js';
import type { DeviceMemory } from '../memory/device-memory.js';
import type { StateSpec } from '../program/program.js';

/**
 * Device memory of some of a state's sequences. One bank holds them all unless a cache would be larger than a binding
 * may be; then calls run once for each bank.
 */
export interface Bank {
  /** Unique, and new whenever buffers are. */
  readonly id: number;
  /** Index of the first sequence. */
  readonly first: number;
  readonly slots: number;
  readonly capacity: number;
  readonly buffers: ReadonlyMap<string, GPUBuffer>;
}

let lastBank = 0;

/** Bytes of one sequence. */
export function slotBytes(spec: StateSpec, positions: number): number {
  return spec.elements * 4 * (spec.kind === 'token' ? positions : 1);
}

/** Sequences that fit a bank. */
export function slotsPerBank(specs: readonly StateSpec[], sequences: number, capacity: number, device: Device): number {
  const { maxStorageBufferBindingSize, maxBufferSize } = device.limits;
  const most = Math.min(maxStorageBufferBindingSize, maxBufferSize);
  let slots = sequences;
  for (const spec of specs) {
    const bytes = slotBytes(spec, capacity);
    if (bytes > most) {
      const what = `State ${spec.id} of one sequence${spec.kind === 'token' ? ` with ${capacity} positions` : ''}`;
      throw overLimit(what, 'maxStorageBufferBindingSize', bytes, device.limits);
    }
    if (bytes > 0) slots = Math.min(slots, Math.floor(most / bytes));
  }
  return slots;
}

/** Makes banks for so many sequences. Buffers of `keep` (by bank index and state) are taken over instead of made. */
export function makeBanks(
  specs: readonly StateSpec[],
  sequences: number,
  capacity: number,
  perBank: number,
  memory: DeviceMemory,
  keep: (bank: number, spec: StateSpec) => GPUBuffer | undefined = () => undefined,
): Bank[] {
  const banks: Bank[] = [];
  for (let first = 0; first < sequences; first += perBank) {
    const slots = Math.min(perBank, sequences - first);
    const buffers = new Map<string, GPUBuffer>();
    for (const spec of specs) {
      const kept = keep(banks.length, spec);
      buffers.set(spec.id, kept ?? memory.storage(`state ${spec.id}`, slots * slotBytes(spec, capacity), 'states'));
    }
    banks.push({ id: ++lastBank, first, slots, capacity, buffers });
  }
  return banks;
}
