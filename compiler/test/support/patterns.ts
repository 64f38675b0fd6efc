/** The published models' `hybrid_override_pattern`, as NVIDIA's own configurations have them. */
export const PATTERNS = {
  '8B': 'M-M-M-M*-M-M-M-M-M*-M-M-M-M-M*-M-M-M-M-M*-M-M-M-M-M-',
  '56B':
    'M-M-M-M*-M-M-M-M-M*-M-M-M-M-M*-M-M-M-M-M*-M-M-M-M-M*-M-M-M-M-M*-M-M-M-M-M*-M-M-M-M-M*-M-M-M-M-M*-M-M-M-M-M*-M-M-M-M-M-',
  '47B': 'M-M-M-M-M-M-M-M-M*-M-M-M-M-M-M-M-M-M-M*-M-M-M-M-M*-M-M-M-M-M*-M-M-M-M-M-M-M---MM---M-M*-M-M-M-M-M-',
  'Nano-9B-v2': 'M-M-M-MM-M-M-M*-M-M-M*-M-M-M-M*-M-M-M-M*-M-MM-M-M-M-M-M-',
  'Nano-12B-v2': 'M-M-M-M*-M-M-M-M*-M-M-M-M*-M-M-M-M*-M-M-M-M*-M-M-M-M*-M-M-M-M-',
} as const;

export const LENGTHS = { '8B': 52, '56B': 118, '47B': 98, 'Nano-9B-v2': 56, 'Nano-12B-v2': 62 } as const;

export function layersOf(pattern: string): readonly ('M' | 'A' | 'F')[] {
  return [...pattern].map((character) => (character === 'M' ? 'M' : character === '*' ? 'A' : 'F'));
}
