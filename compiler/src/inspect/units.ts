/** Numbers as people read them. `GB` is not `GiB`: sizes in memory are binary, rates of devices decimal. */

/** `8,100,852,736` */
export function formatCount(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

const BINARY = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** `98.0 MiB`: bytes in units of 1,024, three digits. */
export function formatBytes(bytes: number): string {
  let [value, unit] = [bytes, 0];
  while (value >= 1024 && unit < BINARY.length - 1) [value, unit] = [value / 1024, unit + 1];
  return `${unit === 0 ? formatCount(value) : threeDigits(value)} ${BINARY[unit]}`;
}

const DECIMAL = ['', 'k', 'M', 'G', 'T', 'P', 'E'];

/** `15.1 GFLOP`: three digits and a decimal prefix before the unit. */
export function formatScaled(value: number, unit: string): string {
  let [scaled, prefix] = [value, 0];
  while (scaled >= 1000 && prefix < DECIMAL.length - 1) [scaled, prefix] = [scaled / 1000, prefix + 1];
  return `${threeDigits(scaled)} ${DECIMAL[prefix]}${unit}`.trimEnd();
}

/** `4.83 ms` */
export function formatSeconds(seconds: number): string {
  if (seconds >= 1 || seconds === 0) return `${threeDigits(seconds)} s`;
  if (seconds >= 1e-3) return `${threeDigits(seconds * 1e3)} ms`;
  return `${threeDigits(seconds * 1e6)} µs`;
}

/** Three significant digits; whole numbers from 100 on. */
export function threeDigits(value: number): string {
  if (value >= 99.95 || value === 0) return formatCount(value);
  if (value >= 9.995) return value.toFixed(1);
  return value.toFixed(2);
}
