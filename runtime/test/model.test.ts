import { createModel, UsageError, type Device, type Model } from '@hyb/runtime';
import { checkpointOf, difference, testDevice, tinyModel } from './support/model.js';
import { greedy, TinyReference, tinyWeights } from './support/reference.js';
import { tinyProgram, tinySources } from './support/tiny-program.js';

/** Sums of some dozens of f32 products: a few units in the last place. */
const TOLERANCE = 2e-6;

const program = tinyProgram();
const weights = tinyWeights(program);
let device: Device;
let model: Model;

beforeAll(async () => {
  device = await testDevice();
  model = await tinyModel(program, device);
});
afterAll(() => {
  model.dispose();
  device.dispose();
});

const tokensOf = (length: number, seed = 3): number[] =>
  Array.from({ length }, (_, i) => (i * seed + seed * seed) % 50);
const reference = (): TinyReference => new TinyReference(program, weights);

describe('prefill and decode', () => {
  test('prefill gives the logits after the last token', async () => {
    using state = await model.state();
    const tokens = tokensOf(20);
    const [logits] = await model.prefill(state, [tokens]);
    expect(difference(logits!, reference().feedAll(tokens))).toBeLessThan(TOLERANCE);
    expect(state.lengths).toEqual([20]);
  });

  test('decoding goes on from there', async () => {
    using state = await model.state();
    const oracle = reference();
    oracle.feedAll(tokensOf(9));
    await model.prefill(state, [tokensOf(9)]);
    for (const token of [4, 9, 49, 0]) {
      const [logits] = await model.decode(state, [token]);
      expect(difference(logits!, oracle.feed(token).logits)).toBeLessThan(TOLERANCE);
    }
  });

  test('sequences of a batch may have any lengths, zero included', async () => {
    using state = await model.state({ sequences: 4 });
    const tokens = [tokensOf(5, 1), [], tokensOf(33, 2), tokensOf(1, 7)];
    const logits = await model.prefill(state, tokens);
    expect(logits.map(({ length }) => length)).toEqual([50, 0, 50, 50]);
    const oracles = tokens.map((list) => ({ oracle: reference(), list }));
    oracles.forEach(({ oracle, list }, i) => {
      const expected = oracle.feedAll(list);
      if (i !== 1) expect(difference(logits[i]!, expected)).toBeLessThan(TOLERANCE);
    });
    expect(state.lengths).toEqual([5, 0, 33, 1]);

    const more = await model.prefill(state, [[], [8, 8], [], [1, 2, 3]]);
    expect(difference(more[1]!, oracles[1]!.oracle.feedAll([8, 8]))).toBeLessThan(TOLERANCE);
    expect(difference(more[3]!, oracles[3]!.oracle.feedAll([1, 2, 3]))).toBeLessThan(TOLERANCE);

    const decoded = await model.decode(state, [null, 5, 6, null]);
    expect(decoded[0]).toHaveLength(0);
    expect(difference(decoded[1]!, oracles[1]!.oracle.feed(5).logits)).toBeLessThan(TOLERANCE);
    expect(difference(decoded[2]!, oracles[2]!.oracle.feed(6).logits)).toBeLessThan(TOLERANCE);
    expect(state.lengths).toEqual([5, 3, 34, 4]);
  });

  test('logits of all positions', async () => {
    const texts = [tokensOf(7), tokensOf(40, 11), []];
    const logits = await model.logits(texts);
    texts.forEach((tokens, i) => {
      const oracle = reference();
      expect(
        difference(
          logits[i]!,
          tokens.flatMap((token) => oracle.feed(token).logits),
        ),
      ).toBeLessThan(TOLERANCE);
    });
  });

  test('pieces of any length leave the same state, bit for bit', async () => {
    const tokens = [tokensOf(70, 3), tokensOf(41, 5), tokensOf(3, 7)];
    const bytes: Uint8Array[] = [];
    for (const pieceTokens of [1, 7, 16, 1000]) {
      const small = await tinyModel(program, device, { pieceTokens });
      const state = await small.state({ sequences: 3 });
      await small.prefill(state, tokens);
      bytes.push(await state.serialize());
      small.dispose();
    }
    for (const other of bytes.slice(1)) expect(other).toEqual(bytes[0]);
  });

  test('feeding token by token is the same as a prompt', async () => {
    using state = await model.state();
    const tokens = tokensOf(300);
    let logits: Float32Array[] = [];
    for (const token of tokens) logits = await model.decode(state, [token]);
    expect(difference(logits[0]!, reference().feedAll(tokens))).toBeLessThan(TOLERANCE);
  });

  test('decoding makes nothing anew', async () => {
    using state = await model.state();
    await model.prefill(state, [tokensOf(4)]);
    await model.decode(state, [1]);
    const before = model.counters;
    for (let i = 0; i < 5; i++) await model.decode(state, [2]);
    const after = model.counters;
    expect(after.bindGroups).toBe(before.bindGroups);
    expect(after.buffers).toBe(before.buffers);
    // Embedding, leaky, remember, mean, leaky, head.
    expect(after.dispatches - before.dispatches).toBe(5 * 6);
    expect(after.submits - before.submits).toBe(5);
  });
});

describe('states', () => {
  test('grow as needed and keep what they hold', async () => {
    using state = await model.state({ sequences: 2, capacity: 10 });
    expect(state.capacity).toBe(64);
    const oracle = reference();
    for (let i = 0; i < 9; i++) {
      const tokens = tokensOf(33, i + 1);
      const expected = oracle.feedAll(tokens);
      const [, logits] = await model.prefill(state, [[], tokens]);
      expect(difference(logits!, expected)).toBeLessThan(TOLERANCE);
    }
    expect(state.capacity).toBeGreaterThanOrEqual(297);
    const [first] = await model.prefill(state, [tokensOf(5), []]);
    expect(difference(first!, reference().feedAll(tokensOf(5)))).toBeLessThan(TOLERANCE);
  });

  test('a fork goes its own way', async () => {
    using state = await model.state({ sequences: 2 });
    await model.prefill(state, [tokensOf(10), tokensOf(20)]);
    using fork = await state.fork();
    const [, a] = await model.decode(state, [null, 7]);
    await model.decode(fork, [3, null]);
    const [, b] = await model.decode(fork, [null, 7]);
    expect(b).toEqual(a);
    expect(state.lengths).toEqual([10, 21]);
    expect(fork.lengths).toEqual([11, 21]);
    using copies = await state.fork({ sequences: [1, 1, 0] });
    expect(copies.lengths).toEqual([21, 21, 10]);
    const [c, d, e] = await model.decode(copies, [5, 5, 5]);
    expect(d).toEqual(c);
    const oracle = reference();
    oracle.feedAll(tokensOf(10));
    expect(difference(e!, oracle.feed(5).logits)).toBeLessThan(TOLERANCE);
  });

  test('survive serialisation', async () => {
    using state = await model.state({ sequences: 3 });
    await model.prefill(state, [tokensOf(10), [], tokensOf(77)]);
    const bytes = await state.serialize();
    const another = await tinyModel(program, device);
    const copy = await another.deserialize(bytes);
    expect(copy.lengths).toEqual([10, 0, 77]);
    expect(await copy.serialize()).toEqual(bytes);
    expect(await another.decode(copy, [1, 2, 3])).toEqual(await model.decode(state, [1, 2, 3]));
    another.dispose();
  });

  test('damaged or foreign bytes are refused', async () => {
    using state = await model.state();
    await model.prefill(state, [tokensOf(5)]);
    const bytes = await state.serialize();
    const changed = bytes.slice();
    changed[changed.length - 3]! ^= 1;
    await expect(model.deserialize(changed)).rejects.toThrow('checksum');
    for (const length of [0, 7, 19, 30, bytes.length - 1]) {
      await expect(model.deserialize(bytes.subarray(0, length))).rejects.toMatchObject({ code: 'bad-state' });
    }
    const other = await tinyModel(tinyProgram({ layers: ['leaky'] }), device);
    await expect(other.deserialize(bytes)).rejects.toThrow('other states');
    other.dispose();
  });

  test('reset empties sequences', async () => {
    using state = await model.state({ sequences: 2 });
    const [before] = await model.prefill(state, [tokensOf(30), tokensOf(12)]);
    state.reset([0]);
    expect(state.lengths).toEqual([0, 12]);
    const [after] = await model.prefill(state, [tokensOf(30), []]);
    expect(after).toEqual(before);
  });

  test('used twice at the same time are refused', async () => {
    using state = await model.state();
    const first = model.prefill(state, [tokensOf(5)]);
    await expect(model.decode(state, [1])).rejects.toMatchObject({ code: 'state-busy' });
    expect(() => state.reset()).toThrow(UsageError);
    await first;
    await model.decode(state, [1]);
  });

  test('different ones may be used at the same time', async () => {
    using a = await model.state();
    using b = await model.state();
    const [[x], [y]] = await Promise.all([model.prefill(a, [tokensOf(90, 3)]), model.prefill(b, [tokensOf(80, 7)])]);
    expect(difference(x!, reference().feedAll(tokensOf(90, 3)))).toBeLessThan(TOLERANCE);
    expect(difference(y!, reference().feedAll(tokensOf(80, 7)))).toBeLessThan(TOLERANCE);
  });

  test('an aborted prompt leaves the state as it was', async () => {
    const small = await tinyModel(program, device, { pieceTokens: 4 });
    const state = await small.state({ sequences: 2 });
    await small.prefill(state, [tokensOf(10), []]);
    const before = await state.serialize();
    const controller = new AbortController();
    const fed = small.prefill(state, [tokensOf(100), tokensOf(50)], { signal: controller.signal });
    setTimeout(() => controller.abort(new Error('enough')), 1);
    await expect(fed).rejects.toThrow('enough');
    expect(await state.serialize()).toEqual(before);
    small.dispose();
  });

  test('wrong arguments are named', async () => {
    using state = await model.state();
    expect(() => model.prefill(state, [[50]])).toThrow('from 0 to 49; at 0 there is 50');
    expect(() => model.prefill(state, [[1, 2.5]])).toThrow('at 1 there is 2.5');
    expect(() => model.prefill(state, [[1], [2]])).toThrow('1 sequences, but 2');
    await expect(model.state({ sequences: 0 })).rejects.toThrow('positive integer');
    const other = await tinyModel(program, device);
    const foreign = await other.state();
    expect(() => model.decode(foreign, [1])).toThrow('another model');
    other.dispose();
    expect(() => other.decode(foreign, [1])).toThrow('disposed');
  });
});

describe('narrow limits', () => {
  test('matrices, caches and prompts larger than a binding are split', async () => {
    const large = tinyProgram({ vocab: 600, width: 64 });
    const largeWeights = tinyWeights(large);
    // Two thirds of the embedding, a cache of one sequence with 128 positions, 25 tokens of logits.
    const narrow = await testDevice({ limits: { maxStorageBufferBindingSize: 100_000, maxBufferSize: 120_000 } });
    const split = await tinyModel(large, narrow, {}, largeWeights);
    const state = await split.state({ sequences: 5, capacity: 100 });
    const tokens = [1, 2, 3, 4, 5].map((seed) => Array.from({ length: 90 + seed }, (_, i) => (i * seed * 31) % 600));
    const oracles = tokens.map(() => new TinyReference(large, largeWeights));
    const logits = await split.prefill(state, tokens);
    oracles.forEach((oracle, i) => {
      expect(difference(logits[i]!, oracle.feedAll(tokens[i]!))).toBeLessThan(TOLERANCE);
    });
    // Grows, which moves the sequences to other banks.
    const next = tokens.map((_, i) => Array.from({ length: 60 }, (_, j) => (i + j) % 600));
    const more = await split.prefill(state, next);
    oracles.forEach((oracle, i) => expect(difference(more[i]!, oracle.feedAll(next[i]!))).toBeLessThan(TOLERANCE));
    const decoded = await split.decode(state, [1, 2, 3, 4, 5]);
    oracles.forEach((oracle, i) => {
      expect(difference(decoded[i]!, oracle.feed(i + 1).logits)).toBeLessThan(TOLERANCE);
    });
    const copy = await split.deserialize(await state.serialize());
    expect(await split.decode(copy, [9, 8, 7, 6, 5])).toEqual(await split.decode(state, [9, 8, 7, 6, 5]));
    const [all] = await split.logits([tokens[0]!]);
    const oracle = new TinyReference(large, largeWeights);
    expect(
      difference(
        all!,
        tokens[0]!.flatMap((token) => oracle.feed(token).logits),
      ),
    ).toBeLessThan(TOLERANCE);
    split.dispose();
    narrow.dispose();
  });

  test('more workgroups than a grid counts are split too', async () => {
    const wide = tinyProgram({ vocab: 1000, width: 8 });
    const narrow = await testDevice({ limits: { maxComputeWorkgroupsPerDimension: 37 } });
    const split = await tinyModel(wide, narrow);
    const tokens = Array.from({ length: 100 }, (_, i) => (i * 77) % 1000);
    const [logits] = await split.logits([tokens]);
    const oracle = new TinyReference(wide, tinyWeights(wide));
    expect(
      difference(
        logits!,
        tokens.flatMap((token) => oracle.feed(token).logits),
      ),
    ).toBeLessThan(TOLERANCE);
    split.dispose();
    narrow.dispose();
  });

  test('what cannot be split says what it needs', async () => {
    const narrow = await testDevice({ limits: { maxStorageBufferBindingSize: 4096 } });
    const small = await tinyModel(program, narrow);
    await expect(small.state({ capacity: 64 })).rejects.toMatchObject({
      code: 'over-limit',
      needed: 8192,
      available: 4096,
      message: expect.stringContaining('State mean_1 of one sequence with 64 positions needs 8.00 KiB') as string,
    });
    small.dispose();
    narrow.dispose();
  });
});

describe('storage of weights', () => {
  test.each([
    ['bf16', 2 ** -8],
    ['f16', 2 ** -11],
  ] as const)('%s rounds matrices and nothing else', async (storage, rounding) => {
    const narrow = await tinyModel(program, device, { storage });
    const rounded = new Map(
      [...weights].map(([path, values]) => {
        const matrix = path.endsWith('.weight');
        return [path, matrix ? values.map((value) => roundTo(value, storage === 'bf16' ? 8 : 11)) : values];
      }),
    );
    const tokens = tokensOf(20);
    const [logits] = await narrow.logits([tokens]);
    const oracle = new TinyReference(program, rounded);
    const expected = tokens.flatMap((token) => oracle.feed(token).logits);
    expect(difference(logits!, expected)).toBeLessThan(TOLERANCE);
    // Rounding did take place.
    const exact = reference();
    const unrounded = tokens.flatMap((token) => exact.feed(token).logits);
    expect(difference(logits!, unrounded)).toBeGreaterThan(rounding / 50);
    expect(narrow.memory.weights).toBeLessThan(model.memory.weights);
    narrow.dispose();
  });
});

/** To so many significant bits; for values far from the ends of the range. */
function roundTo(value: number, bits: number): number {
  if (value === 0) return 0;
  const unit = 2 ** (Math.floor(Math.log2(Math.abs(value))) - bits + 1);
  const quotient = value / unit;
  const down = Math.floor(quotient);
  const rest = quotient - down;
  const up = rest > 0.5 || (rest === 0.5 && down % 2 !== 0);
  return (down + (up ? 1 : 0)) * unit;
}

test('stages may derive values from weights', async () => {
  const prepared = tinyProgram({ prepared: true });
  const halves = new Map(
    [...weights].map(([path, values]) =>
      path.endsWith('.decay')
        ? [path.replace('decay', 'half_decay'), values.map((value) => value / 2)]
        : [path, values],
    ),
  );
  const other = await tinyModel(prepared, device, {}, halves);
  expect(await other.logits([tokensOf(9)])).toEqual(await model.logits([tokensOf(9)]));
  other.dispose();
});

describe('looking inside', () => {
  test('a trace holds the residual stream after every stage', async () => {
    for (const pieceTokens of [6, 1024]) {
      const small = await tinyModel(program, device, { pieceTokens });
      const tokens = tokensOf(20);
      const trace = await small.trace(tokens);
      expect(trace.map(({ label }) => label)).toEqual(['embedding', 'layers.0', 'layers.1', 'layers.2', 'head']);
      const oracle = reference();
      const rows = tokens.map((token) => oracle.feed(token));
      trace.forEach(({ values, shape }, i) => {
        const expected = rows.flatMap(({ logits, trace }) => (i < 4 ? trace[i]! : logits));
        expect(shape).toEqual([20, i < 4 ? 32 : 50]);
        expect(difference(values, expected)).toBeLessThan(TOLERANCE);
      });
      small.dispose();
    }
  });

  test('memory is counted, and all of it freed', async () => {
    const another = await tinyModel(program, device);
    const state = await another.state({ sequences: 3, capacity: 128 });
    await another.prefill(state, [tokensOf(9), [], tokensOf(90)]);
    // Two recurrences and a cache of 128 positions, f32.
    expect(state.bytes).toBe(3 * (2 + 128) * 32 * 4);
    expect(another.memory.states).toBe(state.bytes);
    expect(another.memory.activations).toBeGreaterThanOrEqual(2 * 99 * 32 * 4);
    state.dispose();
    expect(another.memory.states).toBe(0);
    another.dispose();
    expect(another.memory.total).toBe(0);
  });
});

describe('damaged programs', () => {
  const load = (changed: object, sources = tinySources): Promise<Model> =>
    createModel({ ...program, ...changed }, sources, { device, weights: checkpointOf(program, weights) });

  test('are refused with the reason', async () => {
    await expect(load({ format: 2 })).rejects.toThrow('format 2, this runtime knows 1');
    await expect(load({ stages: program.stages.slice(1) })).rejects.toThrow(
      'the stage embedding, which does not exist',
    );
    await expect(load({ activations: [] })).rejects.toThrow('{"activation":"a"}, which does not exist');
    await expect(load({ matrices: program.matrices.slice(1) })).rejects.toThrow('embedding names no matrix');
  });

  test('a kernel that does not compile is named with the place', async () => {
    const sources = { ...tinySources, head: `${tinySources.head!}\nfn wrong() -> u32 { return nothing; }` };
    await expect(load({}, sources)).rejects.toThrow(
      /kernel head does not compile.\n +head:\d+:\d+ unresolved value 'nothing'/,
    );
    // The device goes on working.
    const again = await tinyModel(program, device);
    expect(greedy(reference(), reference().feedAll([1]), 1)).toHaveLength(1);
    again.dispose();
  });

  test('a kernel without a variant for the device says what it needs', async () => {
    const head = program.kernels.head!;
    const variants = head.variants.map((variant) => ({ ...variant, requires: ['shader-f16' as const] }));
    const core = await testDevice({ features: [] });
    const needy = { ...program, kernels: { ...program.kernels, head: { ...head, variants } } };
    await expect(
      createModel(needy, tinySources, { device: core, weights: checkpointOf(program, weights) }),
    ).rejects.toMatchObject({
      code: 'missing-feature',
      needed: 'shader-f16',
    });
    core.dispose();
  });
});
