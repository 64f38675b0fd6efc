import type { KernelFeature, StorageType } from '../program/program.js';

/** How four consecutive matrix elements lie in a storage buffer, and the WGSL that makes a vec4f of them. */
interface WeightFormat {
  /** Bytes per element. */
  readonly bytes: number;
  /** WGSL type of four elements. */
  readonly element: string;
  /** WGSL expression of `e`. */
  readonly decode: string;
  /** The same bytes on devices that have the type itself. */
  readonly native?: {
    readonly feature: KernelFeature;
    readonly enable: string;
    readonly element: string;
    readonly decode: string;
  };
}

export const WEIGHT_FORMATS: Readonly<Record<StorageType, WeightFormat>> = {
  f32: { bytes: 4, element: 'vec4f', decode: 'e' },
  // A bf16 is the upper half of an f32. Little-endian: the first element is the lower half of the first word.
  bf16: {
    bytes: 2,
    element: 'vec2u',
    decode: 'bitcast<vec4f>(vec4u(e.x << 16u, e.x & 0xffff0000u, e.y << 16u, e.y & 0xffff0000u))',
  },
  f16: {
    bytes: 2,
    element: 'vec2u',
    // Part of core WGSL.
    decode: 'vec4f(unpack2x16float(e.x), unpack2x16float(e.y))',
    native: { feature: 'shader-f16', enable: 'enable f16;', element: 'vec4<f16>', decode: 'vec4f(e)' },
  },
};

type Features = Pick<ReadonlySet<KernelFeature>, 'has'>;
const NONE: Features = { has: () => false };

function formatOf(storage: StorageType, features: Features): { readonly element: string; readonly decode: string } {
  const format = WEIGHT_FORMATS[storage];
  return format.native && features.has(format.native.feature) ? format.native : format;
}

/** Directives that a module needs for the preludes of weights in these types: to stand before everything else. */
export function weightsEnables(storages: readonly StorageType[], features: Features): string {
  const natives = storages.map((storage) => WEIGHT_FORMATS[storage].native);
  const lines = natives.flatMap((native) => (native && features.has(native.feature) ? [native.enable] : []));
  return [...new Set(lines)].map((line) => `${line}\n`).join('');
}

/**
 * Declarations that a kernel's source leaves open for its `weights` binding: `<binding>_element` and
 * `<binding>_decode(e: <binding>_element) -> vec4f`, for the storage type that loading chose. Where `features` has the
 * storage's own type the module needs `weightsEnables` as well.
 */
export function weightsPrelude(binding: string, storage: StorageType, features: Features = NONE): string {
  const { element, decode } = formatOf(storage, features);
  return (
    `alias ${binding}_element = ${element};\n` +
    `fn ${binding}_decode(e: ${binding}_element) -> vec4f {\n  return ${decode};\n}\n`
  );
}
