/** Parameters as a program's kernels read them: matrices of several, padded and interleaved, and packs of vectors. */
import type { Program } from '@hyb/runtime';

export interface ParameterImages {
  readonly matrices: Map<string, Float32Array>;
  readonly packs: Map<string, Float32Array>;
}

/** @param parameters by full path, row-major */
export function parameterImages(program: Program, parameters: (path: string) => ArrayLike<number>): ParameterImages {
  const matrices = new Map<string, Float32Array>();
  for (const m of program.matrices) {
    const data = new Float32Array(m.rows * m.columns);
    for (const p of m.parts) {
      const source = parameters(p.parameter);
      for (let r = 0; r < p.rows; r++) {
        for (let c = 0; c < p.columns; c++) data[(p.row + r * p.stride) * m.columns + c] = source[r * p.columns + c]!;
      }
    }
    matrices.set(m.id, data);
  }
  const packs = new Map<string, Float32Array>();
  for (const v of program.vectors) {
    const data = new Float32Array(v.elements);
    for (const p of v.parts) data.set(Float32Array.from(parameters(p.parameter)), p.offset);
    packs.set(v.id, data);
  }
  return { matrices, packs };
}
