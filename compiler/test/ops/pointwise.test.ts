import { OPS } from '../../src/ops/table.js';
import { BINARY, UNARY } from '../../src/ops/attributes.js';
import type { BinaryName, UnaryName } from '../../src/ops/attributes.js';
import { BINARY_OPS, UNARY_OPS } from '../../src/ops/pointwise/table.js';
import { TIME, dim, printType, tensor } from '../../src/graph/types.js';
import type { TensorType } from '../../src/graph/types.js';
import { evaluateOp } from '../support/op.js';
import { random } from '../support/random.js';

/** Values from Python's libm, rounded to f64. */
const X = [-30.0, -6.5, -3.25, -2.0, -1.999, -0.75, -1e-9, 0.0, 1e-9, 0.3, 1.0, 1.999, 2.0, 2.5, 4.75, 9.0, 40.0];
const EXPECTED = {
  erf: [
    -1.0, -1.0, -0.9999956972205363, -0.9953222650189527, -0.9953015566513705, -0.7111556336535151,
    -1.1283791670955127e-9, 0.0, 1.1283791670955127e-9, 0.3286267594591274, 0.8427007929497149, 0.9953015566513705,
    0.9953222650189527, 0.999593047982555, 0.9999999999815149, 1.0, 1.0,
  ],
  sigmoid: [
    9.3576229688393e-14, 0.0015011822567369915, 0.037326887344129464, 0.11920292202211755, 0.11930795559524597,
    0.32082130082460697, 0.49999999975000003, 0.5, 0.50000000025, 0.574442516811659, 0.7310585786300049,
    0.8806920444047539, 0.8807970779778823, 0.9241418199787566, 0.991422514586288, 0.9998766054240137, 1.0,
  ],
  softplus: [
    9.357622968839737e-14, 0.0015023101597542838, 0.038041371687783126, 0.1269280110429725, 0.127047266475116,
    0.38687100611489994, 0.6931471800599454, 0.6931471805599453, 0.6931471810599453, 0.8543552444685272,
    1.3132616875182228, 2.126047266475116, 2.1269280110429727, 2.5788897342925496, 4.758614483762176, 9.000123402189724,
    40.0,
  ],
  silu: [
    -2.80728689065179e-12, -0.009757684668790444, -0.12131238386842076, -0.2384058440442351, -0.23849660323489671,
    -0.2406159756184552, -4.999999997500001e-10, 0.0, 5.000000002500001e-10, 0.1723327550434977, 0.7310585786300049,
    1.7605033967651031, 1.7615941559557646, 2.3103545499468914, 4.709256944284868, 8.998889448816124, 40.0,
  ],
  gelu: [
    -1.4720141781446293e-196, -2.6104003795084313e-10, -0.001875331387769994, -0.04550026389635844,
    -0.04558554968838511, -0.16997051428265114, -4.999999996010577e-10, 0.0, 5.000000003989423e-10, 0.18537342665668577,
    0.8413447460685429, 1.9534144503116149, 1.9544997361036416, 2.4844758366855597, 4.749995168854598, 9.0, 40.0,
  ],
  gelu_tanh: [
    -0.0, -6.27825877259138e-13, -0.0015686271447474677, -0.045402305912224966, -0.045488459105414984,
    -0.1700394448343797, -4.999999996010577e-10, 0.0, 5.000000003989423e-10, 0.18537092354275927, 0.8411919906082768,
    1.953511540894585, 1.9545976940877752, 2.484915733910001, 4.749998842199419, 9.0, 40.0,
  ],
  tanh: [
    -1.0, -0.9999954793514042, -0.996997635486526, -0.9640275800758169, -0.9639568610994931, -0.6351489523872873, -1e-9,
    0.0, 1e-9, 0.2913126124515909, 0.7615941559557649, 0.9639568610994931, 0.9640275800758169, 0.9866142981514303,
    0.9998503075449787, 0.999999969540041, 1.0,
  ],
  exp: [
    9.357622968840175e-14, 0.0015034391929775724, 0.03877420783172201, 0.1353352832366127, 0.13547068621005243,
    0.4723665527410147, 0.999999999, 1.0, 1.000000001, 1.3498588075760032, 2.718281828459045, 7.3816707361285685,
    7.38905609893065, 12.182493960703473, 115.58428452718766, 8103.083927575384, 2.3538526683702e17,
  ],
  relu: [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1e-9, 0.3, 1.0, 1.999, 2.0, 2.5, 4.75, 9.0, 40.0],
} as const;

/** Four units in the last place, relative; below 1e-300 absolute. */
function near(actual: number, expected: number): boolean {
  return Object.is(actual, expected) || Math.abs(actual - expected) <= 4 * 2 ** -53 * Math.abs(expected) * 2 + 1e-300;
}

describe('element-wise functions', () => {
  test.each(Object.entries(EXPECTED) as [keyof typeof EXPECTED, readonly number[]][])(
    '%s against libm',
    (name, expected) => {
      // Where 1 - erf cancels, gelu and its tanh form are accurate to rounding of their argument, not of the result.
      const slack = name === 'gelu' || name === 'gelu_tanh' ? 1e-13 : 0;
      X.forEach((x, i) => {
        const actual = UNARY_OPS[name].value(x);
        if (!near(actual, expected[i]!) && Math.abs(actual - expected[i]!) > slack) {
          throw new Error(`${name}(${x}) is ${actual}, not ${expected[i]!}`);
        }
      });
    },
  );

  test('the others, by their definitions', () => {
    const cases: [UnaryName | BinaryName, number[], number][] = [
      ['neg', [3], -3],
      ['abs', [-2.5], 2.5],
      ['log', [Math.E], 1],
      ['sqrt', [2.25], 1.5],
      ['rsqrt', [4], 0.5],
      ['sin', [Math.PI / 6], 0.5],
      ['cos', [0], 1],
      ['floor', [-1.5], -2],
      ['not', [0], 1],
      ['not', [1], 0],
      ['add', [1, 2], 3],
      ['sub', [1, 2], -1],
      ['mul', [-3, 2], -6],
      ['div', [3, 2], 1.5],
      ['pow', [-3, 2], 9],
      ['pow', [2, -1], 0.5],
      ['max', [1, 2], 2],
      ['min', [1, 2], 1],
      ['less', [1, 2], 1],
      ['less', [2, 2], 0],
      ['less_equal', [2, 2], 1],
      ['less_equal', [3, 2], 0],
      ['equal', [2, 2], 1],
      ['equal', [2, 3], 0],
      ['and', [1, 0], 0],
      ['and', [1, 1], 1],
      ['or', [0, 0], 0],
      ['or', [0, 1], 1],
    ];
    for (const [name, operands, expected] of cases) {
      expect([name, { ...UNARY_OPS, ...BINARY_OPS }[name].value(...operands)]).toEqual([
        name,
        expect.closeTo(expected, 14),
      ]);
    }
    const tested = new Set<string>([...cases.map(([name]) => name), ...Object.keys(EXPECTED)]);
    expect([...UNARY, ...BINARY].filter((name) => !tested.has(name))).toEqual([]);
  });

  test('infinities do not turn into NaN where the limit exists', () => {
    expect(UNARY_OPS.softplus.value(-Infinity)).toBe(0);
    expect(UNARY_OPS.softplus.value(Infinity)).toBe(Infinity);
    expect(UNARY_OPS.sigmoid.value(-Infinity)).toBe(0);
    expect(UNARY_OPS.erf.value(-Infinity)).toBe(-1);
    expect(UNARY_OPS.gelu.value(40)).toBe(40);
    expect(UNARY_OPS.softplus.value(800)).toBe(800);
  });
});

describe('broadcasting by name', () => {
  const types = {
    scalar: tensor([]),
    heads: tensor([dim('heads', 2)]),
    channels: tensor([dim('channels', 3)]),
    time: tensor([TIME]),
    both: tensor([dim('channels', 3), dim('heads', 2)]),
    full: tensor([TIME, dim('heads', 2), dim('channels', 3)]),
  };
  const cases: [keyof typeof types, keyof typeof types, string][] = [
    ['heads', 'full', 'f32[time, heads: 2, channels: 3]'],
    ['full', 'channels', 'f32[time, heads: 2, channels: 3]'],
    ['full', 'scalar', 'f32[time, heads: 2, channels: 3]'],
    ['heads', 'time', 'f32[time, heads: 2]'],
    ['channels', 'heads', 'f32[channels: 3, heads: 2]'],
    ['both', 'full', 'f32[time, heads: 2, channels: 3]'],
    ['both', 'time', 'f32[time, channels: 3, heads: 2]'],
  ];
  test.each(cases)('%s with %s', (left, right, expected) => {
    const inputs = [types[left], types[right]];
    const output = OPS.sub.infer(inputs, {});
    expect(printType(output)).toBe(expected);
    const tokens = 4;
    const { tensor: sample } = random(3);
    const size = (type: TensorType): number[] => type.dims.map((d) => (d.extent === 'time' ? tokens : d.extent));
    const [a, b] = inputs.map((type) => sample(size(type)));
    const y = evaluateOp('sub', [a!, b!], {}, inputs, [{ start: 0, length: tokens, position: 0 }]).output;
    const at = (type: TensorType, data: Float64Array, index: Record<string, number>): number =>
      data[type.dims.reduce((o, d) => o * (d.extent === 'time' ? tokens : d.extent) + index[d.name]!, 0)]!;
    for (let time = 0; time < tokens; time++) {
      for (let heads = 0; heads < 2; heads++) {
        for (let channels = 0; channels < 3; channels++) {
          const index = { time, heads, channels };
          expect(at(output, y.data, index)).toBe(at(inputs[0]!, a!.data, index) - at(inputs[1]!, b!.data, index));
        }
      }
    }
  });

  test('a weight of two dimensions of one name meets scalars and itself', () => {
    const weight = tensor([dim('width', 2), dim('width', 2)]);
    expect(printType(OPS.mul.infer([weight, tensor([])], {}))).toBe('f32[width: 2, width: 2]');
    expect(printType(OPS.add.infer([weight, weight], {}))).toBe('f32[width: 2, width: 2]');
    expect(() => OPS.mul.infer([weight, tensor([dim('width', 2)])], {})).toThrow(/width/);
  });

  test('one name with two sizes is an error that names both', () => {
    const wrong = tensor([dim('heads', 4)]);
    expect(() => OPS.add.infer([types.heads, wrong], {})).toThrow(
      expect.objectContaining({ detail: { expected: 'heads: 2', found: 'heads: 4', input: 1 } }),
    );
  });

  test('operands must be numbers, or conditions', () => {
    const flag = tensor([TIME], 'bool');
    expect(() => OPS.add.infer([flag, types.scalar], {})).toThrow(/numbers/);
    expect(() => OPS.and.infer([flag, types.time], {})).toThrow(/condition/);
    expect(() => OPS.where.infer([types.time, types.time, types.time], {})).toThrow(/condition/);
    expect(printType(OPS.less.infer([types.time, types.scalar], {}))).toBe('bool[time]');
    expect(printType(OPS.add.infer([tensor([TIME], 'bf16'), types.scalar], {}))).toBe('f32[time]');
  });
});

test('where takes the chosen side and does not touch the other', () => {
  const type = tensor([TIME]);
  const segments = [{ start: 0, length: 2, position: 0 }];
  const at = (...values: number[]) => ({ shape: [2], data: Float64Array.from(values) });
  const { output } = evaluateOp(
    'where',
    [at(1, 0), at(5, Infinity), at(NaN, 7)],
    {},
    [tensor([TIME], 'bool'), type, type],
    segments,
  );
  expect([...output.data]).toEqual([5, 7]);
});
