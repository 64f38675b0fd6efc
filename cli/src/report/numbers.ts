/** Numbers for people. */

/** `1,234,567` */
export function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** `512 B`, `1.50 MiB`, `24.0 GiB` */
export function bytes(value: number): string {
  return scaled(value, 1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']);
}

/** `8.10 B`, as parameters are counted. */
export function short(value: number): string {
  return scaled(value, 1000, ['', 'K', 'M', 'B', 'T', 'Q']);
}

/** `1.2 µs`, `35 ms`, `2.1 s` */
export function duration(seconds: number): string {
  const units = [
    [1, 's'],
    [1e-3, 'ms'],
    [1e-6, 'µs'],
    [1e-9, 'ns'],
  ] as const;
  const [unit, name] = units.find(([size]) => seconds >= size) ?? units[3];
  return `${digits(seconds / unit)} ${name}`;
}

function scaled(value: number, base: number, units: readonly string[]): string {
  let size = value;
  let unit = 0;
  while (size >= base && unit < units.length - 1) {
    size /= base;
    unit++;
  }
  return `${unit === 0 ? String(Math.round(size)) : digits(size)} ${units[unit]!}`.trim();
}

/** Three significant digits, but no fewer than stand before the point. */
function digits(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
