/**
 * Random models in the language: blocks of one's own with random bodies beside those of the standard library, in any order,
 * with norms anywhere. What they compute stays of order one, so that f32 and f64 can be compared.
 */
import type { Choose } from './random-kernel.js';

/** A tensor in scope: its name, and its dimensions but `time`. */
interface Term {
  readonly name: string;
  readonly dims: readonly string[];
}

/** Keep what they are given in size; continuous, so that a rounding never chooses a branch that matters. */
const UNARY = ['tanh(@)', 'silu(@)', 'sigmoid(@)', 'softplus(@)', 'gelu(@)', 'gelu_tanh(@)', 'relu(@)', 'erf(@)', '-@',
  'abs(@)', 'clamp(@, -0.75, 2)', 'sqrt(1 + @ ** 2)', 'rsqrt(0.5 + @ ** 2)', 'sin(@)', 'exp(-abs(@))', 'log(1 + abs(@))',
  '(1 + @ ** 2) ** -0.25', '0.5 * @', 'where(@ > 0, @, 0.1 * @)', 'mine(@)'] as const; // prettier-ignore
const BINARY = ['a + b', 'a - b', 'tanh(a) * b', 'a / (1 + abs(b))', 'max(a, b)', 'min(a, b)', 'where(a > b, a, b)',
  'sigmoid(b) * a', 'mix(a, b)'] as const; // prettier-ignore
const NORMS = ['RMSNorm', 'LayerNorm', 'RMSNorm(eps = 1e-4)', 'LayerNorm(bias = false)'] as const;

/** Source of a file with one model. */
export function randomModel(choose: Choose): string {
  return new Generator(choose).file();
}

class Generator {
  constructor(private readonly choose: Choose) {}

  #of<T>(values: readonly T[]): T {
    return values[this.choose(values.length)]!;
  }

  #maybe(): boolean {
    return this.choose(2) === 1;
  }

  file(): string {
    const groups = 1 + this.choose(3);
    const size = 2 * (1 + this.choose(4));
    const own = Array.from({ length: 1 + this.choose(2) }, (_, i) => `Own${i}`);
    const blocks = own.map((name) => new Body(this.choose, name).block());
    const aliases = [
      ...own.map((name, i) => ({ alias: `X${i}`, block: `${name}(a = ${groups})` })),
      { alias: 'M', block: this.#mamba() },
      { alias: 'A', block: this.#attention(size) },
      { alias: 'F', block: `MLP(inner = ${3 + this.choose(20)}, activation = ${this.#of(['relu2', 'silu', 'gelu'])})` },
      { alias: 'G', block: `GatedMLP(inner = ${3 + this.choose(20)}, bias = ${this.#maybe()})` },
    ];
    const layers = Array.from({ length: 1 + this.choose(3) }, () => this.#of(aliases).alias);
    if (!layers.some((alias) => alias.startsWith('X'))) layers.push('X0');
    const used = aliases.filter(({ alias }) => layers.includes(alias));
    const slots = [`pre = ${this.#of(NORMS)}`];
    if (this.#maybe()) slots.push(`out = ${this.#of([...NORMS, 'LayerScale(0.5)'])}`);
    if (this.#maybe()) slots.push(`post = ${this.#of(NORMS)}`);
    return `use std.{Attention, GatedMLP, LayerNorm, LayerScale, MLP, Mamba2, RMSNorm, relu2}

fn mine(x) = x * sigmoid(1.5 * x)
fn mix(x, y) { let gate = sigmoid(x)  return gate * y + (1 - gate) * x }

${blocks.join('\n\n')}

model Random {
  vocab = ${5 + this.choose(60)}
  width = ${groups * size}
  context = 128
  ${used.map(({ alias, block }) => `${alias} = ${this.choose(5) === 0 ? 'shared ' : ''}${block}`).join('\n  ')}
  ${layers.includes('A') && this.#maybe() ? `A.norm.${this.#of(['qk', 'qkv'])} = ${this.#of(NORMS)}` : ''}
  norm = { ${slots.join(', ')} }
  layers = [${layers.join(' ')}]
  head = { norm = ${this.#of(NORMS)}, tie = ${this.#maybe()}, bias = ${this.#maybe()}${this.#maybe() ? ', cap = 5' : ''} }
  ${this.#maybe() ? 'embedding = { scale = width ** 0.5 }' : ''}
}
`;
  }

  #mamba(): string {
    const groups = 1 + this.choose(2);
    const heads = groups * (1 + this.choose(2));
    const more = this.#maybe() ? ', bias = true' : this.#maybe() ? ', conv_bias = false' : '';
    const limits = this.#maybe() ? ', dt_limits = (0.01, 0.5)' : '';
    return `Mamba2(heads = ${heads}, head_dim = ${1 + this.choose(5)}, state = ${1 + this.choose(9)}, groups = ${groups}, conv = ${2 + this.choose(3)}${more}${limits})`;
  }

  #attention(headDim: number): string {
    const kv = 1 + this.choose(2);
    const options = [
      this.#maybe() && `rope = rope(base = 100${this.#maybe() ? ', pairing = "interleaved"' : ''})`,
      this.#maybe() && `window = ${1 + this.choose(20)}`,
      this.#maybe() && 'cap = 3',
      this.#maybe() && 'temperature = 0.5',
      this.choose(4) === 0 && 'clip = (1.03, -0.03)',
      this.#maybe() && 'bias = true',
    ].filter((option) => option !== false);
    return `Attention(${[`heads = ${kv * (1 + this.choose(3))}`, `kv_heads = ${kv}`, `head_dim = ${headDim}`, ...options].join(', ')})`;
  }
}

/** A block of one's own: a chain of statements, each of which reads what stands before it. */
class Body {
  readonly #parameters: string[] = [];
  readonly #lets: string[] = [];
  readonly #terms: Term[] = [{ name: 'x', dims: ['width'] }];
  #count = 0;

  constructor(
    private readonly choose: Choose,
    private readonly name: string,
  ) {}

  block(): string {
    const statements = 2 + this.choose(7);
    for (let i = 0; i < statements; i++) this.#statement();
    // The last tensor reaches the result, whatever its shape.
    const last = this.#terms.at(-1)!;
    const result = this.#linear(last, 'width');
    return `block ${this.name}(a: int, flag = ${this.choose(2) === 1})(x: [time, width]) -> [time, width] {
  require width % (2 * a) == 0, "width must be a multiple of 2 a"
  dim b     = width div a
  dim c     = ${1 + this.choose(7)}
  dim pair  = 2 * width
  ${[...this.#parameters, ...this.#lets].join('\n  ')}
  return ${result}
}`;
  }

  #of<T>(values: readonly T[]): T {
    return values[this.choose(values.length)]!;
  }

  /** Names a value. */
  #let(dims: readonly string[], expression: string): Term {
    const term = { name: `v${this.#count++}`, dims };
    this.#lets.push(`let ${term.name} = ${expression}`);
    this.#terms.push(term);
    return term;
  }

  #parameter(declaration: string): string {
    const name = `p${this.#count++}`;
    this.#parameters.push(`param ${name}${declaration}`);
    return name;
  }

  /** Of these dimensions: one in scope, or a map of one in scope. */
  #some(...dims: readonly string[]): string {
    const known = this.#terms.filter((term) => term.dims.join() === dims.join());
    if (known.length > 0 && this.choose(4) > 0) return this.#of(known).name;
    return this.#linear(this.#of(this.#terms), dims.length === 1 ? dims[0]! : `(${dims.join(', ')})`);
  }

  /** A linear map of a term to other dimensions; one without dimensions is repeated first. */
  #linear({ name, dims }: Term, to: string): string {
    if (dims.length === 0) return this.#linear({ name: `(x * ${name})`, dims: ['width'] }, to);
    const from = dims.length === 1 ? dims[0]! : `(${dims.join(', ')})`;
    const bias = this.choose(3) === 0 ? ', bias = true' : '';
    return `${this.#parameter(` = linear(${from} -> ${to}${bias})`)}(${name})`;
  }

  #statement(): void {
    const term = this.#of(this.#terms);
    const { name, dims } = term;
    const whole = dims.join() === 'width';
    const grouped = dims.join() === 'a,b';
    switch (this.choose(14)) {
      case 0:
      case 1:
        this.#let(dims, this.#of(UNARY).replaceAll('@', name));
        return;
      case 2:
      case 3: {
        const others = this.#terms.filter((other) => other.dims.every((dim) => dims.includes(dim)));
        const parts = { a: name, b: this.#of(others).name };
        this.#let(
          dims,
          this.#of(BINARY).replace(/\b[ab]\b/g, (letter) => parts[letter as 'a' | 'b']),
        );
        return;
      }
      case 4: {
        if (dims.length === 0) return;
        const over = this.#of(dims);
        const reduction = this.#of(['mean', 'amax', 'amin', 'sum']);
        const rest = dims.filter((dim) => dim !== over);
        this.#let(rest, reduction === 'sum' ? `tanh(sum(${name}, ${over}))` : `${reduction}(${name}, ${over})`);
        return;
      }
      case 5:
        if (dims.length > 0) this.#let(dims, `softmax(${name}, ${this.#of(dims)})`);
        return;
      case 6:
        if (whole) this.#let(['a', 'b'], `${name} as [time, a, b]`);
        else if (grouped && this.choose(2) === 0) this.#let(['width'], `${name} as [time, width]`);
        else if (grouped) this.#let(['width'], `transpose(${name}, b, a) as [time, width]`);
        return;
      case 7: {
        const to = this.#of(['c', 'b', 'width', 'a']);
        this.#let([to], this.#linear(term, to));
        return;
      }
      case 8: {
        if (dims.length !== 1) return;
        const kernel = this.#parameter(
          ` = conv1d(${dims[0]!}, ${2 + this.choose(3)}${this.#of(['', ', bias = true'])})`,
        );
        this.#let(dims, `${kernel}(${name})`);
        return;
      }
      case 9: {
        if (dims.length === 0) return;
        const decay = this.#let(dims, `sigmoid(${this.#some(...dims)} + 1)`).name;
        const start = this.#of(['0', '0.5']);
        this.#let(
          dims,
          `scan (t in time, state h: [${dims.join(', ')}] = ${start}) {
    h = ${decay}[t] * h + (1 - ${decay}[t]) * ${name}[t]
    yield ${this.#of(['h', `tanh(h) + ${decay}[t]`, `h * ${name}[t]`])}
  }`,
        );
        return;
      }
      case 10: {
        const joined = `concat(${this.#some('width')}, ${this.#some('width')}, pair)`;
        if (this.choose(2) === 0) this.#let(['pair'], joined);
        else {
          const parts = [`v${this.#count++}`, `v${this.#count++}`];
          this.#lets.push(`let (${parts.join(', ')}) = split(silu(${joined}), width, width)`);
          this.#terms.push(...parts.map((part) => ({ name: part, dims: ['width'] })));
        }
        return;
      }
      case 11: {
        if (dims.length === 0) return;
        const scale = this.#parameter(`: [${dims.at(-1)!}] = 1`);
        this.#let(
          dims,
          this.#of([`${name} * ${scale}`, `${name} + ${scale}`, `if flag then ${name} * ${scale} else ${name}`]),
        );
        return;
      }
      case 12:
        this.#let(dims, `${name} * exp(-0.1 * position())`);
        return;
      default:
        if (this.choose(2) === 0) {
          const [q, k, v] = [0, 1, 2].map(() => this.#some('a', 'b'));
          this.#let(['a', 'b'], `attend(${q!}, ${k!}, ${v!}${this.#of(['', ', window = 3', ', cap = 2'])})`);
        } else if (grouped) this.#let(dims, `rope(${name}, base = 50)`);
        else if (whole) this.#let(dims, `tanh(sum(rename(${name}, width -> other) * ${this.#some('width')}, other))`);
    }
  }
}
