/** 32 random bits: pcg3d of three numbers, first component (Jarzynski & Olano, JCGT 9(3), 2020). Kernels compute the same. */
export function randomBits(counter: number, step: number, seed: number): number {
  let [x, y, z] = [counter, step, seed].map((v) => (Math.imul(v, 1664525) + 1013904223) | 0) as [
    number,
    number,
    number,
  ];
  x = (x + Math.imul(y, z)) | 0;
  y = (y + Math.imul(z, x)) | 0;
  z = (z + Math.imul(x, y)) | 0;
  x ^= x >>> 16;
  y ^= y >>> 16;
  z ^= z >>> 16;
  return (x + Math.imul(y, z)) >>> 0;
}
