/** Angular frequencies of rotary embeddings, in f64, with the kinds of scaling that published models use. */

export type RopeScaling =
  | { readonly kind: 'linear'; readonly factor: number }
  | { readonly kind: 'ntk'; readonly factor: number }
  | {
      readonly kind: 'llama3';
      readonly factor: number;
      readonly low: number;
      readonly high: number;
      readonly original: number;
    }
  | {
      readonly kind: 'yarn';
      readonly factor: number;
      readonly original: number;
      readonly beta_fast: number;
      readonly beta_slow: number;
      /** Absent: 0.1 ln(factor) + 1. */
      readonly attention?: number;
    };

export interface RopeFrequencies {
  /** Radians per token, one for each pair of channels. */
  readonly frequencies: readonly number[];
  /** Multiplies sine and cosine. */
  readonly amplitude: number;
}

/**
 * @param channels how many channels are rotated; even
 * @param base of the wavelengths: pair i turns base ** (-2 i / channels) radians a token (Su et al. 2021)
 */
export function ropeFrequencies(channels: number, base: number, scaling?: RopeScaling): RopeFrequencies {
  const plain = (b: number): number[] => Array.from({ length: channels / 2 }, (_, i) => b ** ((-2 * i) / channels));
  if (scaling === undefined) return { frequencies: plain(base), amplitude: 1 };
  switch (scaling.kind) {
    // Positions divided by the factor (Chen et al. 2023).
    case 'linear':
      return { frequencies: plain(base).map((f) => f / scaling.factor), amplitude: 1 };
    case 'ntk':
      return { frequencies: plain(base * scaling.factor ** (channels / (channels - 2))), amplitude: 1 };
    case 'llama3':
      return { frequencies: plain(base).map((f) => llama3(f, scaling)), amplitude: 1 };
    case 'yarn':
      return yarn(plain(base), channels, base, scaling);
  }
}

/** Llama 3.1: long wavelengths are stretched, short ones kept, those between interpolated. */
function llama3(frequency: number, { factor, low, high, original }: Extract<RopeScaling, { kind: 'llama3' }>): number {
  const wavelength = (2 * Math.PI) / frequency;
  if (wavelength < original / high) return frequency;
  if (wavelength > original / low) return frequency / factor;
  const smooth = (original / wavelength - low) / (high - low);
  return ((1 - smooth) * frequency) / factor + smooth * frequency;
}

/** YaRN (Peng et al. 2023): interpolation by parts, as in transformers' `_compute_yarn_parameters`. */
function yarn(
  frequencies: readonly number[],
  channels: number,
  base: number,
  { factor, original, beta_fast, beta_slow, attention }: Extract<RopeScaling, { kind: 'yarn' }>,
): RopeFrequencies {
  /** The pair that makes so many turns in the original context. */
  const pair = (turns: number): number =>
    (channels * Math.log(original / (turns * 2 * Math.PI))) / (2 * Math.log(base));
  const low = Math.max(Math.floor(pair(beta_fast)), 0);
  const high = Math.min(Math.ceil(pair(beta_slow)), channels - 1);
  const width = high === low ? 0.001 : high - low;
  return {
    frequencies: frequencies.map((f, i) => {
      const interpolated = Math.min(Math.max((i - low) / width, 0), 1);
      return (f / factor) * interpolated + f * (1 - interpolated);
    }),
    amplitude: attention ?? (factor <= 1 ? 1 : 0.1 * Math.log(factor) + 1),
  };
}
