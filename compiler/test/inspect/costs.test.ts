/** Operations, bytes and bounds on small models, counted another way. */
import { createGraphBuilder } from '../../src/graph/builder.js';
import { TIME, dim, tensor } from '../../src/graph/types.js';
import {
  decodeCost,
  DEVICES,
  findDevice,
  HYB_FORMATS,
  modelWork,
  printKernelTable,
  printLayerTable,
  printMemory,
  printParameterSum,
  printRoofline,
  printTensorTable,
  promptCost,
  roofline,
  kernelTable,
  layerTable,
  memoryNeeds,
  parameterSum,
  tensorTable,
} from '../../src/inspect/index.js';
import { formatBytes, formatCount, formatScaled, formatSeconds } from '../../src/inspect/units.js';
import { plan } from '../../src/plan/plan.js';
import { golden } from '../support/golden.js';
import { attention, mamba2, modelOf, residualLayer } from '../support/layers.js';
import { nemotronH } from '../support/published.js';

const WIDTH = 16;
const layer = (window?: number) =>
  residualLayer(
    'A',
    WIDTH,
    1e-5,
    attention({ heads: 4, kv_heads: 2, head_dim: 8, ...(window ? { window } : {}) }, WIDTH),
  );
const attending = (window?: number) =>
  modelOf({ vocab: 32, width: WIDTH, eps: 1e-5 }, [{ alias: 'A', graph: layer(window) }]);

test.each([undefined, 5])('attention counts every pair that the mask lets through (window %s)', (window) => {
  let pairs = 0;
  for (let i = 0; i < 12; i++) for (let j = 0; j <= i; j++) if (window === undefined || i - j < window) pairs++;
  const { operations } = promptCost(modelWork(attending(window)), { tokens: 12 }, HYB_FORMATS);
  // A score and a share of the result for each of 4 heads of 8 channels.
  expect(operations.attention).toBe(pairs * 4 * 8 * 4);
});

test('a prompt costs as many operations as its tokens decoded one by one, the head apart', () => {
  const model = modelOf({ vocab: 32, width: WIDTH, eps: 1e-5 }, [
    { alias: 'A', graph: layer(5) },
    {
      alias: 'M',
      graph: residualLayer(
        'M',
        WIDTH,
        1e-5,
        mamba2({ heads: 4, head_dim: 4, state: 8, groups: 2, conv: 4, eps: 1e-5 }, WIDTH),
      ),
    },
  ]);
  const work = modelWork(model);
  const head = work.head.linear + work.head.pointwise;
  const steps = Array.from({ length: 9 }, (_, i) => decodeCost(work, { context: i + 1, batch: 1 }, HYB_FORMATS));
  const decoded = steps.reduce((n, s) => n + s.operations.total, 0);
  expect(promptCost(work, { tokens: 9 }, HYB_FORMATS).operations.total).toBe(decoded - 8 * head);
});

test('keys and values grow with the context, recurrent states do not, weights are shared by the batch', () => {
  const work = modelWork(nemotronH(8));
  const at = (context: number, batch: number) => decodeCost(work, { context, batch }, HYB_FORMATS).bytes;
  expect(at(8192, 1).attention).toBe(8 * at(1024, 1).attention);
  expect(at(8192, 1).recurrence).toBe(at(1024, 1).recurrence);
  expect(at(1024, 4).recurrence).toBe(4 * at(1024, 1).recurrence);
  // Only the embedding's row is each token's own.
  expect(at(1024, 4).weights - at(1024, 1).weights).toBe(3 * 2 * 4096);
});

test('a scan counts the operations of its body', () => {
  const b = createGraphBuilder({ width: WIDTH });
  const x = b.input('x');
  const zero = b.constant(0);
  // h = h * x + x: two operations for each of 16 elements.
  const W = tensor([dim('width', WIDTH)]);
  const scan = b.add('scan', [zero, x], {
    body: {
      nodes: [
        { id: 0, op: 'scan_state', inputs: [], attributes: { index: 0 }, type: W },
        { id: 1, op: 'scan_input', inputs: [], attributes: { index: 0 }, type: W },
        { id: 2, op: 'mul', inputs: [0, 1], attributes: {}, type: W },
        { id: 3, op: 'add', inputs: [2, 1], attributes: {}, type: W },
      ],
      states: [W],
      next: [3],
      yields: 3,
    },
  });
  const graph = b.finish('S', b.add('add', [x, scan], {}));
  const work = modelWork(modelOf({ vocab: 8, width: WIDTH, eps: 1e-5 }, [{ alias: 'S', graph }]));
  expect(work.operations.recurrence).toBe(2 * WIDTH);
  expect(work.sequenceState).toBe(WIDTH);
});

test('a rounding names its format', () => {
  const b = createGraphBuilder({ width: WIDTH });
  const rounded = b.add('cast', [b.input('x')], { to: 'bf16' });
  const model = modelOf({ vocab: 8, width: WIDTH, eps: 1e-5 }, [{ alias: 'R', graph: b.finish('R', rounded) }]);
  const table = tensorTable(model, plan(model).program);
  expect(table.graphs.find((g) => g.alias === 'R')!.values).toEqual([
    expect.objectContaining({ op: 'input', dtype: 'f32', roundsTo: null }),
    expect.objectContaining({
      op: 'cast',
      dtype: 'bf16',
      roundsTo: 'bf16',
      dims: [TIME, dim('width', WIDTH)],
    }),
  ]);
  expect(printTensorTable(table)).toContain('round to bf16');
});

describe('roofline', () => {
  const model = nemotronH(8);
  const { program } = plan(model, { storage: () => 'bf16' });
  const h100 = findDevice('NVIDIA H100 SXM')!;

  test('decoding alone is limited by bandwidth, a long prompt by compute', () => {
    const r = roofline(model, program, { context: 8192, device: h100 });
    expect(r.decode.limitedBy).toBe('bandwidth');
    // All matrices but the embedding's table, in bf16, then 3.35 TB/s.
    expect(r.decode.tokensPerSecond).toBeLessThan(h100.bandwidth / (2 * (8_100_852_736 - 2 * 131_072 * 4096)));
    expect(r.decode.tokensPerSecond).toBeGreaterThan(0.9 * (h100.bandwidth / (2 * 8_100_852_736)));
    expect(r.prompt.limitedBy).toBe('compute');
    expect(r.withoutMatrixUnits!.prompt.tokensPerSecond / r.prompt.tokensPerSecond).toBeCloseTo(66.9 / 989.4, 5);
  });

  test('many sequences together reach the other side', () => {
    const one = roofline(model, program, { context: 1024, device: h100 });
    const many = roofline(model, program, { context: 1024, device: h100, batch: 64 });
    expect(many.decode.tokensPerSecond).toBeGreaterThan(20 * one.decode.tokensPerSecond);
    // Without states and keys, a device whose compute is short enough is limited by it.
    const slow = { ...h100, name: 'slow', peak: 1e12, shaderPeak: 1e12 };
    expect(roofline(model, program, { context: 1024, device: slow, batch: 64 }).decode.limitedBy).toBe('compute');
  });

  test('bytes follow the storage', () => {
    const f32 = roofline(model, program, { context: 1024, device: h100, storage: 'f32' });
    expect(f32.formats.weights).toBe(4);
    expect(roofline(model, program, { context: 1024, device: h100 }).formats.weights).toBe(2);
  });

  test('devices are found by name or id', () => {
    for (const d of DEVICES) {
      expect(findDevice(d.id)).toBe(d);
      expect(findDevice(d.name.toUpperCase())).toBe(d);
      expect(d.shaderPeak).toBeLessThanOrEqual(d.peak);
    }
    expect(findDevice('abacus')).toBeUndefined();
  });
});

test('texts of a small model', () => {
  const { model } = golden('nh_a_gqa_g2');
  const { program } = plan(model);
  expect(
    [
      printLayerTable(layerTable(model, (i) => ['Mamba2', 'MLP', 'Attention'][i % 3]!)),
      printParameterSum(parameterSum(model)),
      printMemory(memoryNeeds(program, { context: 64 })),
      printRoofline(roofline(model, program, { context: 64, device: findDevice('m2')! })),
    ].join('\n\n'),
  ).toMatchSnapshot();
});

test('the text of kernels names every step', () => {
  const { model } = golden('nh_a_gqa_g2');
  const { program } = plan(model);
  const table = kernelTable(model, program, { mode: 'decode', sequences: 1, tokensPerSequence: 1, context: 64 });
  const text = printKernelTable(table);
  for (const { alias, instances, steps } of table.stages.filter((s) => s.steps.length > 0)) {
    expect(text).toContain(instances === 1 ? `\n${alias}\n` : `\n${alias} × ${instances}\n`);
    for (const step of steps)
      expect(text).toMatch(new RegExp(`^  ${step.kernel} +${step.label.replace(/[+.*]/g, '\\$&')}  `, 'm'));
  }
  expect(text).toContain(`whole decode call: ${table.dispatches} dispatches`);
});

test('numbers as people read them', () => {
  expect([0, 1023, 1024, 1536, 99.96 * 1024, 5e12].map(formatBytes)).toEqual([
    '0 bytes',
    '1,023 bytes',
    '1.00 KiB',
    '1.50 KiB',
    '100 KiB',
    '4.55 TiB',
  ]);
  expect([12, 1999, 15.1e9].map((n) => formatScaled(n, 'op'))).toEqual(['12.0 op', '2.00 kop', '15.1 Gop']);
  expect([2.5, 0.0123, 4e-6].map(formatSeconds)).toEqual(['2.50 s', '12.3 ms', '4.00 µs']);
  expect(formatCount(8_100_852_736)).toBe('8,100,852,736');
});
