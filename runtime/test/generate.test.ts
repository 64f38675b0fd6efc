import type { Device, GeneratedToken, GenerateOptions, Model, State, TextCodec } from '@hyb/runtime';
import { checkpointOf, testDevice, tinyModel } from './support/model.js';
import { greedy, TinyReference, tinyWeights } from './support/reference.js';
import { tinyProgram } from './support/tiny-program.js';

const program = tinyProgram();
const weights = tinyWeights(program);
let device: Device;
let model: Model;

/** Token i is the i-th of these, so texts are easy to read; `.` ends a text. */
const ALPHABET = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVW.';
const letters: TextCodec = {
  size: 50,
  stopTokens: [],
  encode: (text) => Array.from(text, (letter) => ALPHABET.indexOf(letter)),
  decode: (tokens) => Array.from(tokens, (token) => ALPHABET[token]).join(''),
  stream: () => ({ push: (token) => ALPHABET[token]!, end: () => '' }),
  chat: (messages) => messages.map(({ content }) => String(content)).join(''),
};

beforeAll(async () => {
  device = await testDevice();
  model = await tinyModel(program, device, { tokenizer: letters });
});
afterAll(() => {
  model.dispose();
  device.dispose();
});

const promptOf = (length: number, seed = 3): number[] => Array.from({ length }, (_, i) => (i * seed + seed) % 50);

async function collect(generation: AsyncIterable<GeneratedToken>, most = Infinity): Promise<GeneratedToken[]> {
  const events: GeneratedToken[] = [];
  for await (const event of generation) {
    events.push(event);
    if (events.length >= most) break;
  }
  return events;
}

/** What a state holds after a prompt and tokens that were fed one by one. */
async function fedOneByOne(prompt: readonly number[], tokens: readonly number[]): Promise<Uint8Array> {
  using state = await model.state();
  await model.prefill(state, [prompt]);
  for (const token of tokens) await model.decode(state, [token]);
  return state.serialize();
}

/** Greedy tokens from the f64 reference. */
function expectedGreedy(prompt: readonly number[], count: number): number[] {
  const oracle = new TinyReference(program, weights);
  return greedy(oracle, oracle.feedAll(prompt), count);
}

describe('greedy generation', () => {
  test.each([1, 3, 8, 32, undefined])('with windows of %s gives the reference’s tokens', async (window) => {
    const options: GenerateOptions = window === undefined ? { maxTokens: 40 } : { maxTokens: 40, window };
    const events = await collect(model.generate(promptOf(12), options));
    expect(events.map(({ token }) => token)).toEqual(expectedGreedy(promptOf(12), 40));
    expect(events.map(({ finish }) => finish)).toEqual([...new Array<undefined>(39), 'length']);
  });

  test('leaves prompt and tokens in the state, as if fed one by one', async () => {
    using state = await model.state();
    const [text] = await model.generate(promptOf(12), { maxTokens: 13, window: 4, state }).all();
    const { tokens } = text!;
    expect(state.lengths).toEqual([25]);
    expect(await state.serialize()).toEqual(await fedOneByOne(promptOf(12), tokens));
    // And goes on from there.
    const more = await collect(model.generate([7], { maxTokens: 5, state }));
    const all = [...promptOf(12), ...tokens, 7];
    expect(more.map(({ token }) => token)).toEqual(expectedGreedy(all, 5));
  });

  test('outgrows the capacity that the state began with', async () => {
    using state = await model.state({ capacity: 64 });
    const events = await collect(model.generate(promptOf(50), { maxTokens: 250, state }));
    expect(events.map(({ token }) => token)).toEqual(expectedGreedy(promptOf(50), 250));
    expect(state.capacity).toBeGreaterThanOrEqual(300);
  });

  test('reads back once for each window', async () => {
    await collect(model.generate(promptOf(4), { maxTokens: 4, window: 4 }));
    const before = model.counters;
    await collect(model.generate(promptOf(4), { maxTokens: 64, window: 16 }));
    expect(model.counters.readbacks - before.readbacks).toBe(4);
  });
});

describe('what ends a text lands on the exact token', () => {
  const prompt = promptOf(9);
  const tokens = expectedGreedy(prompt, 40);

  test('the text is not too simple to tell', () => {
    expect(new Set(tokens.slice(0, 17)).size).toBeGreaterThan(8);
  });

  /** Runs, and checks that the state holds exactly what was handed out. */
  async function check(
    options: GenerateOptions,
    run: (generation: AsyncIterable<GeneratedToken>) => Promise<GeneratedToken[]>,
  ): Promise<GeneratedToken[]> {
    using state = await model.state();
    const events = await run(model.generate(prompt, { maxTokens: 40, ...options, state }));
    expect(events.map(({ token }) => token)).toEqual(tokens.slice(0, events.length));
    expect(await state.serialize()).toEqual(await fedOneByOne(prompt, tokens.slice(0, events.length)));
    return events;
  }

  // Before, at and after borders of windows.
  const positions = [1, 3, 4, 5, 8, 11, 16, 17];

  test.each(positions)('leaving the loop after %i tokens', async (count) => {
    expect(await check({ window: 4 }, (generation) => collect(generation, count))).toHaveLength(count);
  });

  test.each(positions)('a stop token, the first time at %i or before', async (count) => {
    const stop = tokens[count - 1]!;
    const first = tokens.indexOf(stop) + 1;
    const events = await check({ window: 4, stopTokens: [stop] }, collect);
    expect(events).toHaveLength(first);
    expect(events.at(-1)!.finish).toBe('stop-token');
  });

  test.each(positions)('a stop string that ends with token %i or before', async (count) => {
    const text = letters.decode(tokens);
    const stop = text.slice(Math.max(0, count - 3), count);
    const end = text.indexOf(stop) + stop.length;
    const events = await check({ window: 4, stop: ['nothing', stop] }, collect);
    expect(events).toHaveLength(end);
    expect(events.at(-1)!.finish).toBe('stop-string');
    expect(events.map((event) => event.text).join('')).toBe(text.slice(0, end - stop.length));
  });

  test.each([1, 6, 8])('aborting after %i tokens', async (count) => {
    const controller = new AbortController();
    const events = await check({ window: 4, signal: controller.signal }, async (generation) => {
      const seen: GeneratedToken[] = [];
      const run = async (): Promise<void> => {
        for await (const event of generation) {
          seen.push(event);
          if (seen.length === count) controller.abort(new Error('enough'));
        }
      };
      await expect(run()).rejects.toThrow('enough');
      return seen;
    });
    expect(events).toHaveLength(count);
  });

  test('an abort during the prompt leaves the state as it was', async () => {
    const small = await tinyModel(program, device, { pieceTokens: 4 });
    const state = await small.state();
    await small.prefill(state, [promptOf(5)]);
    const before = await state.serialize();
    const controller = new AbortController();
    const run = collect(small.generate(promptOf(200), { state, signal: controller.signal }));
    setTimeout(() => controller.abort(new Error('no more')), 1);
    await expect(run).rejects.toThrow('no more');
    expect(await state.serialize()).toEqual(before);
    small.dispose();
  });

  test('a state can be used again at once, and not before', async () => {
    using state = await model.state();
    const generation = model.generate(prompt, { maxTokens: 10, state });
    for await (const event of generation) {
      expect(event.token).toBe(tokens[0]);
      await expect(model.decode(state, [1])).rejects.toMatchObject({ code: 'state-busy' });
      break;
    }
    await model.decode(state, [1]);
    expect(state.lengths).toEqual([prompt.length + 2]);
  });
});

describe('several prompts at once', () => {
  const prompts = [promptOf(9, 3), promptOf(2, 7), promptOf(30, 11), promptOf(1, 13)];

  test('each gets the tokens it would get alone', async () => {
    const texts = await model.generate(prompts, { maxTokens: 20, window: 3 }).all();
    texts.forEach(({ tokens, finish }, i) => {
      expect(tokens).toEqual(expectedGreedy(prompts[i]!, 20));
      expect(finish).toBe('length');
    });
  });

  test('each ends where it has to, and its state with it', async () => {
    const expected = prompts.map((prompt) => expectedGreedy(prompt, 30));
    const stopTokens = [expected[0]![6]!, expected[2]![10]!];
    using state = await model.state({ sequences: 4 });
    const texts = await model
      .generate(prompts, { maxTokens: 30, window: 4, stopTokens, state, each: [{}, { maxTokens: 2 }] })
      .all();
    const lengths = expected.map((tokens, i) => {
      const stop = tokens.findIndex((token) => stopTokens.includes(token)) + 1;
      return Math.min(stop || 30, i === 1 ? 2 : 30);
    });
    expect(texts.map(({ tokens }) => tokens)).toEqual(expected.map((tokens, i) => tokens.slice(0, lengths[i])));
    for (const [i, text] of texts.entries()) {
      using alone = await state.fork({ sequences: [i] });
      expect(await alone.serialize()).toEqual(await fedOneByOne(prompts[i]!, text.tokens));
    }
  });

  test('leaving the loop takes all back to what was handed out', async () => {
    using state = await model.state({ sequences: 4 });
    const events = await collect(model.generate(prompts, { maxTokens: 30, window: 4, state }), 22);
    for (const [i, prompt] of prompts.entries()) {
      const tokens = events.filter((event) => event.prompt === i).map(({ token }) => token);
      expect(tokens).toHaveLength(i < 2 ? 6 : 5);
      using alone = await state.fork({ sequences: [i] });
      expect(await alone.serialize()).toEqual(await fedOneByOne(prompt, tokens));
    }
  });

  test('also where a state takes several buffers, and more while it grows', async () => {
    const narrow = await testDevice({ limits: { maxStorageBufferBindingSize: 40_000, maxBufferSize: 50_000 } });
    const split = await tinyModel(program, narrow);
    const state = await split.state({ sequences: 4, capacity: 64 });
    const texts = await split.generate(prompts, { maxTokens: 120, window: 8, state }).all();
    texts.forEach(({ tokens }, i) => expect(tokens).toEqual(expectedGreedy(prompts[i]!, 120)));
    expect(state.lengths).toEqual([129, 122, 150, 121]);
    split.dispose();
    narrow.dispose();
  });
});

describe('sampling', () => {
  const sampled = async (options: GenerateOptions): Promise<number[]> =>
    (await model.generate(promptOf(6), { temperature: 1.5, maxTokens: 30, ...options }).all())[0]!.tokens as number[];

  test('equal seeds give equal texts in windows and batches of any size', async () => {
    const tokens = await sampled({ seed: 5, window: 1 });
    expect(await sampled({ seed: 5, window: 7 })).toEqual(tokens);
    expect(await sampled({ seed: 6 })).not.toEqual(tokens);
    expect(tokens).not.toEqual(expectedGreedy(promptOf(6), 30));
    const batch = await model
      .generate([promptOf(3), promptOf(6), promptOf(8)], { temperature: 1.5, maxTokens: 30, seed: 4 })
      .all();
    expect(batch[1]!.tokens).toEqual(tokens);
    const own = await model
      .generate([promptOf(3), promptOf(6)], { maxTokens: 30, each: [{}, { temperature: 1.5, seed: 5 }] })
      .all();
    expect(own[1]!.tokens).toEqual(tokens);
    expect(own[0]!.tokens).toEqual(expectedGreedy(promptOf(3), 30));
  });

  test('goes on with the same seed where lanes end early', async () => {
    const alone = await sampled({ seed: 8 });
    const each = [{ maxTokens: 3, seed: 1 }, { seed: 8 }, { maxTokens: 9, seed: 2 }];
    const texts = await model
      .generate([promptOf(3), promptOf(6), promptOf(8)], { temperature: 1.5, maxTokens: 30, window: 4, each })
      .all();
    expect(texts.map(({ tokens }) => tokens.length)).toEqual([3, 30, 9]);
    expect(texts[1]!.tokens).toEqual(alone);
  });

  test('remembers what it said where lanes end early', async () => {
    const options = { repetitionPenalty: 3, window: 4, maxTokens: 40 };
    const [alone] = await model.generate(promptOf(6), options).all();
    const texts = await model.generate([promptOf(9), promptOf(6)], { ...options, each: [{ maxTokens: 2 }] }).all();
    expect(texts[1]!.tokens).toEqual(alone!.tokens);
  });

  test('without a seed it is random', async () => {
    expect(await sampled({})).not.toEqual(await sampled({}));
  });

  test('repetition penalties know prompt, state and generated tokens', async () => {
    const penalty = 1.8;
    const oracle = new TinyReference(program, weights);
    const seen = new Set<number>([...promptOf(6), 40, ...promptOf(4, 17)]);
    oracle.feedAll(promptOf(6));
    oracle.feed(40);
    let logits = oracle.feedAll(promptOf(4, 17));
    const expected: number[] = [];
    for (let i = 0; i < 40; i++) {
      const penalised = logits.map((logit, v) =>
        seen.has(v) ? (logit > 0 ? logit / penalty : logit * penalty) : logit,
      );
      const token = penalised.indexOf(Math.max(...penalised));
      expected.push(token);
      seen.add(token);
      ({ logits } = oracle.feed(token));
    }
    using state = await model.state();
    await model.prefill(state, [promptOf(6)]);
    await model.decode(state, [40]);
    const options = { repetitionPenalty: penalty, window: 4, state } as const;
    // In two parts, the first of which is cut off inside a window.
    const first = await collect(model.generate(promptOf(4, 17), { ...options, maxTokens: 100 }), 10);
    expect(first.map(({ token }) => token)).toEqual(expected.slice(0, 10));
    using copy = await model.deserialize(await state.serialize());
    expect(copy.lengths).toEqual([21]);
    const whole = await model
      .generate([...promptOf(6), 40, ...promptOf(4, 17)], { repetitionPenalty: penalty, maxTokens: 40 })
      .all();
    expect(whole[0]!.tokens).toEqual(expected);
  });

  test('options out of range are refused before anything is done', async () => {
    const wrong: GenerateOptions[] = [
      { temperature: -1 },
      { temperature: NaN },
      { topP: 0 },
      { topP: 1.1 },
      { topK: 1.5 },
      { minP: 1 },
      { repetitionPenalty: 0 },
      { seed: -1 },
      { maxTokens: -1 },
      { window: 33 },
      { each: [{ temperature: -1 }] },
    ];
    for (const options of wrong) {
      await expect(collect(model.generate([1], options))).rejects.toMatchObject({ code: 'bad-argument' });
    }
    expect(model.memory.states).toBe(0);
  });
});

describe('text', () => {
  test('in and out', async () => {
    const text = await model.generate('hello', { maxTokens: 12 }).text();
    expect(text).toBe(letters.decode(expectedGreedy(letters.encode('hello'), 12)));
    const chat = await model.generate({ messages: [{ role: 'user', content: 'hello' }] }, { maxTokens: 12 }).text();
    expect(chat).toBe(text);
  });

  test('needs a tokenizer', async () => {
    const mute = await tinyModel(program, device);
    await expect(mute.generate('hello').text()).rejects.toMatchObject({ code: 'no-tokenizer' });
    await expect(mute.generate([1], { stop: 'x' }).all()).rejects.toMatchObject({ code: 'no-tokenizer' });
    const [event] = await collect(mute.generate([1], { maxTokens: 1 }));
    expect(event).toMatchObject({ text: '', finish: 'length' });
    mute.dispose();
  });
});

describe('trouble', () => {
  test('an empty prompt', async () => {
    await expect(model.generate([[1], []]).all()).rejects.toThrow('Prompt 1 is empty');
  });

  test('a state with another number of sequences', async () => {
    using state: State = await model.state({ sequences: 2 });
    await expect(model.generate([1], { state }).all()).rejects.toThrow('2 sequences, but there are 1 prompts');
  });

  test('nothing to generate', async () => {
    using state = await model.state();
    expect(await model.generate(promptOf(3), { maxTokens: 0, state }).all()).toEqual([
      { tokens: [], text: '', finish: 'length' },
    ]);
    expect(state.lengths).toEqual([3]);
  });

  test('a generation is run once', async () => {
    const generation = model.generate([1], { maxTokens: 1 });
    await generation.all();
    expect(() => generation[Symbol.asyncIterator]()).toThrow('once only');
  });

  test('logits that are not numbers', async () => {
    const broken = new Map(weights).set('head.weight', new Float32Array(50 * 32).fill(NaN));
    const bad = await tinyModel(program, device, { weights: checkpointOf(program, broken), nonFinite: 'ignore' });
    await expect(bad.generate([1]).all()).rejects.toMatchObject({ code: 'logits-not-finite' });
    bad.dispose();
  });

  test('nothing stays on the device', async () => {
    await collect(model.generate(promptOf(5), { maxTokens: 9 }), 3);
    const before = model.memory;
    for (let i = 0; i < 3; i++) await collect(model.generate(promptOf(5), { maxTokens: 9, window: 4 }), 3);
    expect(model.memory.states).toBe(0);
    expect(model.memory.total).toBe(before.total);
  });
});
