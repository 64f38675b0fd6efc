import { TIME, dim, printType, tensor } from '../../src/graph/types.js';
import type { TensorType } from '../../src/graph/types.js';
import type { OpAttributes, OpName } from '../../src/ops/attributes.js';
import type { Reference } from '../../src/ops/op.js';
import { freshSegments } from '../../src/reference/evaluate.js';
import { evaluateOp } from '../support/op.js';
import { opDefinition } from '../../src/ops/table.js';

const X = tensor([TIME, dim('a', 2), dim('b', 3)]);
/** Entry at [t, a, b] is 100 t + 10 a + b, so that values tell where they came from. */
const x: Reference = {
  shape: [2, 2, 3],
  data: Float64Array.from({ length: 12 }, (_, i) => 100 * Math.floor(i / 6) + 10 * (Math.floor(i / 3) % 2) + (i % 3)),
};

function run<N extends OpName>(
  op: N,
  attributes: OpAttributes[N],
  inputs = [x],
  types: readonly TensorType[] = inputs.map(() => X),
) {
  const { output, type } = evaluateOp(op, inputs, attributes, types, freshSegments(2));
  return { type: printType(type), values: [...output.data], shape: output.shape };
}

describe('views', () => {
  test('reshape keeps row-major order', () => {
    const { type, values, shape } = run('reshape', { dims: [TIME, dim('b', 3), dim('a', 2)] });
    expect(type).toBe('f32[time, b: 3, a: 2]');
    expect(shape).toEqual([2, 3, 2]);
    expect(values).toEqual([...x.data]);
  });

  test('transpose moves elements', () => {
    expect(run('transpose', { order: ['time', 'b', 'a'] }).values).toEqual([
      0, 10, 1, 11, 2, 12, 100, 110, 101, 111, 102, 112,
    ]);
  });

  test('rename', () => {
    expect(run('rename', { names: { a: 'b', b: 'a' } })).toMatchObject({
      type: 'f32[time, b: 2, a: 3]',
      values: [...x.data],
    });
  });

  test('slice', () => {
    expect(run('slice', { dim: 'b', start: 1, end: 3, name: 'c' })).toMatchObject({
      type: 'f32[time, a: 2, c: 2]',
      values: [1, 2, 11, 12, 101, 102, 111, 112],
    });
    expect(run('slice', { dim: 'a', start: 1, end: 2, name: 'a' }).values).toEqual([10, 11, 12, 110, 111, 112]);
  });

  test('pad', () => {
    expect(run('pad', { dim: 'a', before: 1, after: 0, name: 'c' })).toMatchObject({
      type: 'f32[time, c: 3, b: 3]',
      values: [0, 0, 0, 0, 1, 2, 10, 11, 12, 0, 0, 0, 100, 101, 102, 110, 111, 112],
    });
  });

  test('concat', () => {
    const y = { shape: [2, 2, 1], data: Float64Array.of(-1, -2, -3, -4) };
    const types = [X, tensor([TIME, dim('a', 2), dim('b', 1)])];
    expect(run('concat', { dim: 'b', name: 'c' }, [x, y], types)).toMatchObject({
      type: 'f32[time, a: 2, c: 4]',
      values: [0, 1, 2, -1, 10, 11, 12, -2, 100, 101, 102, -3, 110, 111, 112, -4],
    });
  });

  test('broadcast', () => {
    const y = { shape: [3], data: Float64Array.of(1, 2, 3) };
    expect(run('broadcast', { dims: [TIME, dim('b', 3), dim('c', 2)] }, [y], [tensor([dim('b', 3)])])).toMatchObject({
      type: 'f32[time, b: 3, c: 2]',
      values: [1, 1, 2, 2, 3, 3, 1, 1, 2, 2, 3, 3],
    });
  });
});

describe('reductions', () => {
  test('over any dimensions, in the order of the others', () => {
    expect(run('sum', { dims: ['b'] })).toMatchObject({ type: 'f32[time, a: 2]', values: [3, 33, 303, 333] });
    expect(run('sum', { dims: ['a'] })).toMatchObject({ type: 'f32[time, b: 3]', values: [10, 12, 14, 210, 212, 214] });
    expect(run('mean', { dims: ['b', 'a'] })).toMatchObject({ type: 'f32[time]', values: [6, 106] });
    expect(run('amax', { dims: ['a'] }).values).toEqual([10, 11, 12, 110, 111, 112]);
    expect(run('amin', { dims: ['b'] }).values).toEqual([0, 10, 100, 110]);
    expect(run('sum', { dims: ['time'] })).toMatchObject({
      type: 'f32[a: 2, b: 3]',
      values: [100, 102, 104, 120, 122, 124],
    });
  });
});

describe('shape rules say what is wrong', () => {
  const wrong: [OpName, unknown, readonly TensorType[], RegExp][] = [
    ['reshape', { dims: [TIME, dim('c', 7)] }, [X], /number of elements/],
    ['reshape', { dims: [dim('a', 2), dim('b', 3)] }, [X], /number of elements/],
    ['reshape', { dims: [dim('a', 2), TIME, dim('b', 3)] }, [X], /time.*first/],
    ['transpose', { order: ['time', 'a'] }, [X], /each dimension once/],
    ['transpose', { order: ['a', 'time', 'b'] }, [X], /time.*first/],
    ['transpose', { order: ['time', 'a', 'c'] }, [X], /no dimension `c`/],
    ['rename', { names: { c: 'd' } }, [X], /no dimension `c`/],
    ['rename', { names: { a: 'b' } }, [X], /two dimensions are called `b`/],
    ['rename', { names: { time: 'b' } }, [X], /keeps its name/],
    ['slice', { dim: 'b', start: 1, end: 4, name: 'b' }, [X], /not within/],
    ['slice', { dim: 'b', start: 1, end: 1, name: 'b' }, [X], /not within/],
    ['slice', { dim: 'time', start: 0, end: 1, name: 'b' }, [X], /`time` cannot be cut/],
    ['concat', { dim: 'a', name: 'a' }, [X, tensor([TIME, dim('a', 2), dim('b', 4)])], /differ in more/],
    ['concat', { dim: 'time', name: 'time' }, [X, X], /along `time`/],
    ['broadcast', { dims: [TIME, dim('a', 2)] }, [X], /lacks `b`/],
    ['sum', { dims: [] }, [X], /one or more/],
    ['sum', { dims: ['c'] }, [X], /no dimension `c`/],
    ['mean', { dims: ['a', 'a'] }, [X], /different/],
    ['cast', { to: 'u32' }, [X], /floating-point/],
    ['neg', {}, [X, X], /takes 1 tensor/],
  ];
  test.each(wrong)('%s %j', (op, attributes, types, message) => {
    expect(() => opDefinition(op).infer(types, attributes as never)).toThrow(message);
  });
});
