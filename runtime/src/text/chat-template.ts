import { Environment, Interpreter, Template } from '@huggingface/jinja';
import { TextError } from '../errors.js';
import { messageOf } from '../messages.js';
import type { ChatMessage, ChatOptions } from './types.js';

/** What is used of the interpreter. The package's own declarations cannot be resolved as a module of Node. */
interface InterpreterLike {
  run(program: unknown): { readonly value: unknown };
  evaluate(statement: unknown, environment: unknown): { readonly value: unknown };
}
const InterpreterBase = Interpreter as unknown as new (environment: unknown) => InterpreterLike;

/** Templates come with checkpoints from anywhere: one that does not end, or grows without end, must not hang a page. */
const MOST_STEPS = 300_000;
const MOST_TEXT = 64 * 1024 * 1024;
const MOST_RANGE = 1_000_000;

/** A chat template in Jinja, as checkpoints carry it. */
export class ChatTemplate {
  readonly #template: Template;
  readonly #specials: Readonly<Record<string, string>>;

  /**
   * @param specials `bos_token`, `eos_token` and the like, which templates write out
   * @throws TextError `bad-template`
   */
  constructor(source: string, specials: Readonly<Record<string, string>> = {}) {
    this.#specials = specials;
    try {
      this.#template = new Template(source);
    } catch (cause) {
      throw new TextError('bad-template', `The chat template cannot be parsed: ${messageOf(cause)}`, { cause });
    }
  }

  /** @throws TextError `bad-template`, also where the template itself refuses the messages */
  render(messages: readonly ChatMessage[], options: ChatOptions = {}): string {
    try {
      const variables: Record<string, unknown> = {
        ...this.#specials,
        add_generation_prompt: options.addGenerationPrompt ?? true,
        ...(options.tools ? { tools: options.tools } : {}),
        ...options.variables,
        messages,
      };
      const environment = new Environment();
      for (const [name, value] of Object.entries({ ...globals(), ...variables })) environment.set(name, value);
      return String(new BoundedInterpreter(environment).run(this.#template.parsed).value);
    } catch (cause) {
      throw new TextError('bad-template', `The chat template could not be applied: ${messageOf(cause)}`, { cause });
    }
  }
}

class BoundedInterpreter extends InterpreterBase {
  #steps = 0;

  override evaluate(statement: unknown, environment: unknown): { readonly value: unknown } {
    if (++this.#steps > MOST_STEPS) throw new Error('it takes too many steps');
    const value = super.evaluate(statement, environment);
    const text = value.value;
    if (typeof text === 'string' && text.length > MOST_TEXT) throw new Error('its text grows too long');
    return value;
  }
}

/** What Transformers defines for templates. */
function globals(): Record<string, unknown> {
  return {
    true: true,
    false: false,
    none: null,
    True: true,
    False: false,
    None: null,
    range,
    raise_exception(message: unknown): never {
      throw new Error(String(message));
    },
    strftime_now: (format: string) => formatTime(new Date(), format),
  };
}

function range(first: number, second?: number, step = 1): number[] {
  const [start, stop] = second === undefined ? [0, first] : [first, second];
  const count = Math.max(0, Math.ceil((stop - start) / step));
  if (!(count <= MOST_RANGE)) throw new Error(`range(${start}, ${stop}, ${step}) is too long`);
  return Array.from({ length: count }, (_, i) => start + i * step);
}

function formatTime(date: Date, format: string): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const fields: Readonly<Record<string, () => string>> = {
    Y: () => String(date.getFullYear()),
    m: () => two(date.getMonth() + 1),
    d: () => two(date.getDate()),
    b: () => date.toLocaleString('en', { month: 'short' }),
    B: () => date.toLocaleString('en', { month: 'long' }),
    A: () => date.toLocaleString('en', { weekday: 'long' }),
    H: () => two(date.getHours()),
    M: () => two(date.getMinutes()),
    S: () => two(date.getSeconds()),
    '%': () => '%',
  };
  return format.replace(/%([A-Za-z%])/g, (whole, field: string) => fields[field]?.() ?? whole);
}
