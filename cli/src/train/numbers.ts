/** Numbers for people. */

/** `1:02:03`, `2:03`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n: number): string => String(n).padStart(2, '0');
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** `12,345`, `3.46M`. */
export function formatRate(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (value >= 1e6) return `${(value / 1e6).toFixed(2)}M`;
  return Math.round(value).toLocaleString('en-US');
}

/** Of a log, where JSON has null for what is not finite. */
function formatFinite(value: number | null, print: (finite: number) => string): string {
  if (value === null) return 'not finite';
  return Number.isFinite(value) ? print(value) : String(value);
}

export function formatLoss(value: number | null): string {
  return formatFinite(value, (loss) => loss.toFixed(4));
}

export function formatPerplexity(value: number | null): string {
  return formatFinite(value, (perplexity) => perplexity.toPrecision(4));
}

export function formatScientific(value: number | null): string {
  return formatFinite(value, (number) => number.toExponential(2));
}
