/** Sums of outer products in every variant, in the checking interpreter, against f64. */
import { describeFault, run } from '../../src/kernel/check/index.js';
import { KernelBuilder } from '../../src/kernel/build.js';
import * as e from '../../src/kernel/expressions.js';
import { verifyKernel } from '../../src/kernel/verify.js';
import { OUTER_PRODUCTS, TILE_LINES, TILE_QUADS } from '../../src/lower/linear/outer-products.js';
import { random } from '../support/random.js';
import { close } from './against-reference.js';

interface Sizes {
  readonly lines: number;
  readonly quads: number;
  readonly first: number;
  readonly end: number;
}

const SIZES: readonly Sizes[] = [
  { lines: 1, quads: 1, first: 0, end: 1 },
  { lines: 70, quads: 17, first: 0, end: 37 },
  { lines: 129, quads: 33, first: 16, end: 35 },
];
const FOURS = ['steps', 'lines'] as const;

describe.each(OUTER_PRODUCTS)('$requires', (variant) => {
  test.each(SIZES.flatMap((sizes) => FOURS.map((fours) => ({ ...sizes, fours }))))(
    '%p',
    ({ lines, quads, first, end, fours }) => {
      const builder = new KernelBuilder();
      const left = builder.buffer('left', 'vec4f', 'read', 'left factor');
      const right = builder.buffer('right', 'vec4f', 'read', 'right factor');
      const result = builder.buffer('result', 'vec4f', 'read_write', 'result');
      // By fours, the last ones filled up with zeros.
      const [steps4, lines4] = [Math.ceil(end / 4), Math.ceil(lines / 4)];
      variant.emit({
        builder,
        lines: builder.uniform('lines', 'u32', ''),
        quads,
        first: builder.uniform('first', 'u32', ''),
        end: builder.uniform('end', 'u32', ''),
        fours,
        left: (outer, four) => left.at(e.add(e.mul(outer, fours === 'steps' ? steps4 : lines4), four)),
        right: (step, quad) => right.at(e.add(e.mul(step, quads), quad)),
        store: (line, quad, sum) => result.set(e.add(e.mul(line, quads), quad), sum),
      });
      const kernel = builder.finish({ name: 'products', doc: '', ...variant });
      expect(verifyKernel(kernel)).toEqual([]);

      const r = random(7);
      const [a, b] = [new Float32Array(end * lines), new Float32Array(end * 4 * quads)].map((values) =>
        values.map(() => r.normal()),
      );
      const at = (step: number, line: number): number => a![step * lines + line]!;
      const [outer, inner] = fours === 'steps' ? [lines, end] : [end, lines];
      const rows = new Float32Array(outer * 4 * Math.ceil(inner / 4));
      for (let o = 0; o < outer; o++) {
        for (let i = 0; i < inner; i++)
          rows[o * 4 * Math.ceil(inner / 4) + i] = fours === 'steps' ? at(i, o) : at(o, i);
      }
      const data = new Float32Array(lines * 4 * quads);
      const { faults } = run(kernel, {
        buffers: { left: rows, right: b!, result: data },
        uniforms: { lines, first, end },
        grid: [Math.ceil(quads / TILE_QUADS), Math.ceil(lines / TILE_LINES), 1],
        uninitialised: ['result'],
      });
      expect(faults.map(describeFault)).toEqual([]);
      const expected = Float64Array.from(data, (_, i) => {
        const [line, column] = [Math.floor(i / (4 * quads)), i % (4 * quads)];
        let sum = 0;
        for (let step = first; step < end; step++) sum += at(step, line) * b![step * 4 * quads + column]!;
        return sum;
      });
      // Each of `end - first` additions rounds by 2^-24 of sums that are a few times the largest result at most.
      close('sums', data, expected, (end - first) * 2 ** -22);
    },
  );
});
