import { createRequire } from 'node:module';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { loadTokenizer, Tokenizer } from '@hyb/runtime';
import { gpt2, sentencePieces } from '../support/tokenizers.js';

const oracle = createRequire(import.meta.url)('gpt-3-encoder') as {
  encode(text: string): number[];
  decode(tokens: readonly number[]): string;
};
const tokenizer = new Tokenizer({ tokenizer: gpt2(), config: { eos_token: '<|endoftext|>' } });

const texts = [
  'Hello world',
  'The quick brown fox jumps over the lazy dog.',
  "I'm sure we'll   see\n\n\tit's 3.14159!",
  'naïve café — “quoted” … 日本語のテキスト 🦊👩‍👩‍👧‍👦 नमस्ते',
  '    leading and trailing   ',
  'function f(x) { return x ** 2; } // комментарий',
];

test('GPT-2 ids are the known ones', () => {
  expect(tokenizer.encode('Hello world')).toEqual([15496, 995]);
  expect(tokenizer.size).toBe(50257);
  expect(tokenizer.stopTokens).toEqual([50256]);
  for (const text of texts) {
    expect(tokenizer.encode(text)).toEqual(oracle.encode(text));
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
  }
});

test('special tokens are recognised, and left out of text unless asked for', () => {
  const tokens = tokenizer.encode('a<|endoftext|>b');
  expect(tokens).toEqual([64, 50256, 65]);
  expect(tokenizer.decode(tokens)).toBe('ab');
  expect(tokenizer.decode(tokens, { special: true })).toBe('a<|endoftext|>b');
});

test('ids that the tokenizer does not know have no text', () => {
  expect(tokenizer.decode([64, 50300, 131071, 65])).toBe('ab');
  expect(tokenizer.decode([])).toBe('');
  expect(tokenizer.decode([99999])).toBe('');
  expect(tokenizer.encode('')).toEqual([]);
});

describe('streaming', () => {
  // The replacement character is what a broken one would become: texts that have it themselves prove nothing.
  const anyText = fc.string({ unit: 'grapheme', maxLength: 30 }).filter((text) => !text.includes('\ufffd'));
  const half = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

  function streamed(codec: Tokenizer, tokens: readonly number[], before: readonly number[] = []): string[] {
    const stream = codec.stream(before);
    const pieces = tokens.map((token) => stream.push(token));
    return [...pieces, stream.end()];
  }

  test('pieces are whole characters and make up the text', () => {
    fc.assert(
      fc.property(fc.oneof(anyText, fc.constantFrom(...texts)), (text) => {
        const pieces = streamed(tokenizer, tokenizer.encode(text));
        expect(pieces.join('')).toBe(text);
        for (const piece of pieces) {
          expect(piece).not.toMatch(half);
          expect(piece).not.toContain('\ufffd');
        }
        // All of it came with the tokens.
        expect(pieces.at(-1)).toBe('');
      }),
      { numRuns: 300 },
    );
  });

  test('any tokens at all give the text that decoding them together gives', () => {
    const anyTokens = fc.array(fc.oneof(fc.nat(255), fc.nat(50256)), { maxLength: 120 });
    fc.assert(
      fc.property(anyTokens, (tokens) => {
        const pieces = streamed(tokenizer, tokens);
        expect(pieces.join('')).toBe(tokenizer.decode(tokens));
        for (const piece of pieces) expect(piece).not.toMatch(half);
      }),
      { numRuns: 300 },
    );
  });

  test('an unfinished character is held back, and written at the end', () => {
    const tokens = tokenizer.encode('🦊');
    expect(tokens.length).toBeGreaterThan(1);
    expect(streamed(tokenizer, tokens)).toEqual([...tokens.slice(1).map(() => ''), '🦊', '']);
    expect(streamed(tokenizer, tokens.slice(0, -1)).join('')).toBe('\ufffd');
  });

  test('words keep their spaces, at the start according to what came before', () => {
    const pieces = new Tokenizer({ tokenizer: sentencePieces(['▁hello', '▁world', '▁and']) });
    const tokens = pieces.encode('hello world and 🦊 hello', { special: false });
    expect(tokens.map((token) => pieces.decode([token]))).toContain('world');
    const stream = streamed(pieces, tokens);
    expect(stream.join('')).toBe('hello world and 🦊 hello');
    expect(stream).toContain('🦊');
    const [prompt, rest] = [pieces.encode('hello'), pieces.encode('world and world', { special: false })];
    expect(prompt[0]).toBe(1);
    expect(streamed(pieces, rest, prompt).join('')).toBe(' world and world');
    expect(streamed(pieces, rest).join('')).toBe('world and world');
  });

  test('special tokens in between do not lose spaces', () => {
    const pieces = new Tokenizer({ tokenizer: sentencePieces(['▁hello', '▁world']) });
    const [hello, world] = pieces.encode('hello world', { special: false }) as [number, number];
    expect(streamed(pieces, [hello, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, world]).join('')).toBe('hello world');
    const many = [hello, ...Array.from({ length: 200 }, (_, i) => (i % 3 === 0 ? 2 : world))];
    expect(streamed(pieces, many).join('')).toBe(pieces.decode(many));
  });
});

describe('chat', () => {
  const template =
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'alien' %}{{ raise_exception('no aliens') }}{% endif %}" +
    '<{{ m.role }}>{{ m.content | trim }}{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}{{ mood }}';
  const chat = (files: object) => new Tokenizer({ tokenizer: sentencePieces(['▁hi']), ...files });
  const messages = [{ role: 'user', content: ' hi ' }];

  test('templates of every place are used', () => {
    const config = { bos_token: { content: '<s>' }, chat_template: template };
    expect(chat({ config }).chat(messages)).toBe('<s><user>hi<assistant>');
    expect(chat({ config }).chat(messages, { addGenerationPrompt: false, variables: { mood: '!' } })).toBe(
      '<s><user>hi!',
    );
    const named = [
      { name: 'tool_use', template: 'tools' },
      { name: 'default', template },
    ];
    expect(chat({ config: { chat_template: named } }).chat(messages)).toBe('<user>hi<assistant>');
    expect(chat({ config, template: 'own' }).chat(messages)).toBe('own');
  });

  test('what a template refuses is an error with its words', () => {
    const codec = chat({ template });
    expect(() => codec.chat([{ role: 'alien', content: '' }])).toThrow('no aliens');
    expect(() => chat({}).chat(messages)).toThrow('without a chat template');
  });

  test.each([
    ['a syntax error', '{% if %}'],
    ['an open block', '{% for a in messages %}'],
    ['deep nesting', '{{ '.repeat(1) + '('.repeat(50_000) + ')'.repeat(50_000) + ' }}'],
    ['an unknown filter', '{{ messages | explode }}'],
    ['a long range', '{% for i in range(1000000000) %}{% endfor %}'],
    ['an endless range', '{% for i in range(0, 10, 0) %}{% endfor %}'],
    ['loops in loops', '{% for a in range(5000) %}{% for b in range(5000) %}{{ a }}{% endfor %}{% endfor %}'],
    [
      'text that doubles',
      "{% set ns = namespace(s='ab') %}{% for i in range(60) %}{% set ns.s = ns.s + ns.s %}{% endfor %}{{ ns.s }}",
    ],
    ['a call of what is no function', '{{ messages() }}'],
  ])('%s is a clean error, soon', (_, source) => {
    const started = performance.now();
    let error: unknown;
    try {
      chat({ template: source }).chat(messages);
    } catch (caught) {
      error = caught;
    }
    expect(error).toMatchObject({ name: 'TextError', code: 'bad-template' });
    expect(performance.now() - started).toBeLessThan(30_000);
  });

  test('prototypes are out of a template’s reach', () => {
    const codec = chat({ template: "{{ messages.constructor }}|{{ ''.constructor }}|{{ messages.__proto__ }}" });
    expect(codec.chat(messages)).not.toMatch(/function|native|object Object/);
  });
});

describe('loading', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hyb-tokenizer-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test('from a folder, with what else is there', async () => {
    await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(gpt2()));
    const plain = await loadTokenizer(folder);
    expect(plain.encode('Hello world')).toEqual([15496, 995]);
    expect(plain.stopTokens).toEqual([]);
    await writeFile(join(folder, 'tokenizer_config.json'), '{"eos_token":"<|endoftext|>","chat_template":"config"}');
    expect((await loadTokenizer(folder)).stopTokens).toEqual([50256]);
    await writeFile(join(folder, 'generation_config.json'), '{"eos_token_id":[5,6]}');
    await writeFile(join(folder, 'chat_template.jinja'), 'file');
    const full = await loadTokenizer(folder);
    expect(full.stopTokens).toEqual([5, 6]);
    expect(full.chat([])).toBe('file');
  });

  test('from single files', async () => {
    const codec = await loadTokenizer({ tokenizer: new TextEncoder().encode(JSON.stringify(gpt2())) });
    expect(codec.encode('Hello world')).toEqual([15496, 995]);
  });

  test('what is wrong is said', async () => {
    const load = (text: string): Promise<Tokenizer> => loadTokenizer({ tokenizer: new TextEncoder().encode(text) });
    for (const text of [
      '',
      '[]',
      '{',
      'null',
      '{}',
      '{"model":null}',
      '{"model":{"type":"Nonsense"}}',
      '{"model":{"type":"BPE","vocab":5,"merges":7}}',
    ]) {
      await expect(load(text)).rejects.toMatchObject({ code: 'bad-tokenizer' });
    }
    await expect(loadTokenizer({ tokenizer: new Uint8Array([0xff, 0xfe]) })).rejects.toThrow('not UTF-8');
    await expect(loadTokenizer(join(folder, 'nowhere'))).rejects.toMatchObject({ code: 'source-failed' });
  });
});
