/** The two buffers that kernels of the update read settings and totals from; what is not given is zero. */
import { SETTINGS, SETTINGS_LENGTH, TOTALS, TOTALS_LENGTH } from '@hyb/runtime';

export function settingsOf(values: Partial<Record<keyof typeof SETTINGS, number>>): Float32Array {
  const settings = new Float32Array(SETTINGS_LENGTH);
  for (const [name, value] of Object.entries(values)) settings[SETTINGS[name as keyof typeof SETTINGS]] = value;
  return settings;
}

export function totalsOf(values: Partial<Record<keyof typeof TOTALS, number>>): Uint32Array {
  const totals = new Float32Array(TOTALS_LENGTH);
  for (const [name, value] of Object.entries(values)) totals[TOTALS[name as keyof typeof TOTALS]] = value;
  return new Uint32Array(totals.buffer);
}
