/** Memory that the model takes, the operations and bytes of a token and of a prompt, and what devices can do at most. */
import { element, table } from '@hyb/view';
import { DEVICES } from '@hyb/compiler/inspect/devices';
import type { Cost, MemoryNeeds, ParameterSum, Roofline } from '@hyb/compiler/inspect/index';
import { formatBytes, formatCount, formatScaled, formatSeconds, threeDigits } from '@hyb/compiler/inspect/units';
import type { StorageType } from '@hyb/runtime';
import { amount, choice, controls } from './controls.js';
import { ModelPane } from './model-pane.js';
import type { ShownModel } from './model-pane.js';

const NUMBERS = new Set([1, 2]);

export class CostsPane extends ModelPane {
  readonly id = 'costs';
  readonly title = 'Memory and FLOPs';
  readonly #context = amount('Context', [1024, 1, 2 ** 20], () => this.again());
  readonly #sequences = amount('sequences', [1, 1, 65_536], () => this.again());
  readonly #storage = choice(
    'weights stored as',
    [['', 'the model says'] as const, ...(['f32', 'f16', 'bf16'] as const).map((t) => [t, t] as const)],
    () => this.again(),
  );
  readonly #device = choice(
    'device',
    DEVICES.map(({ id, name }) => [id, name] as const),
    () => this.again(),
  );
  readonly #tables = element('div');

  protected async prepare({ compiler, model }: ShownModel): Promise<() => void> {
    const storage = this.#storage.value() as StorageType | '';
    const sizes = {
      context: this.#context.value(),
      sequences: this.#sequences.value(),
      ...(storage === '' ? {} : { storage }),
    };
    const costs = await compiler.ask('costs', { model, sizes, device: this.#device.value() });
    return () => {
      if (this.body.childElementCount === 0) {
        const parts = [this.#context, this.#sequences, this.#storage, this.#device];
        this.body.append(controls(...parts.map((each) => each.element)), this.#tables);
      }
      this.#tables.replaceChildren(
        memoryTable(costs.memory),
        costTable(costs.decode, costs.prompt),
        rooflineText(costs.roofline),
        parameterTable(costs.parameters),
      );
    };
  }
}

function memoryTable({ weights, state, activations, other, total, context, sequences }: MemoryNeeds): HTMLElement {
  return table(
    `Device memory for ${formatCount(sequences)} × ${formatCount(context)} tokens`,
    ['', 'bytes', ''],
    [
      ['weights', formatBytes(weights.total), `matrices ${formatBytes(weights.matrices)}`],
      [
        'state',
        formatBytes(state.total),
        `${formatBytes(state.perSequence)} a sequence and ${formatBytes(state.perToken)} a token`,
      ],
      ['activations', formatBytes(activations.total), 'prompts in pieces'],
      ['other', formatBytes(other), 'logits, rotary tables'],
      [element('strong', {}, 'total'), element('strong', {}, formatBytes(total)), ''],
    ],
    new Set([1]),
  );
}

function costTable(decode: Cost, prompt: Cost): HTMLElement {
  const rows = [
    ['weights', 'weights', 'linear'],
    ['attention (grows with the context)', 'attention', 'attention'],
    ['recurrence (does not)', 'recurrence', 'recurrence'],
    ['stream, pointwise', 'stream', 'other'],
    ['total', 'total', 'total'],
  ] as const;
  return table(
    'Least work',
    ['', 'a token: bytes', 'operations', 'a prompt: bytes', 'operations'],
    rows.map(([name, bytes, operations]) => [
      name,
      formatBytes(decode.bytes[bytes]),
      formatScaled(decode.operations[operations], ''),
      formatBytes(prompt.bytes[bytes]),
      formatScaled(prompt.operations[operations], ''),
    ]),
    new Set([...NUMBERS, 3, 4]),
  );
}

function rooflineText({ device, decode, prompt, context }: Roofline): HTMLElement {
  return element(
    'p',
    {},
    `${device.name} can decode at most ${threeDigits(decode.tokensPerSecond)} tokens/s (limited by ${decode.limitedBy}), and ` +
      `reads a prompt of ${formatCount(context)} tokens in no less than ${formatSeconds(prompt.seconds.total)} (by ${prompt.limitedBy}).`,
  );
}

function parameterTable({ kinds, total }: ParameterSum): HTMLElement {
  return table(
    'Parameters',
    ['layers', 'each', 'in all'],
    [
      ...kinds.map(({ alias, block, count, each, total: all }) => [
        `${block === alias ? alias : `${alias} (${block})`}${count === 1 ? '' : ` × ${count}`}`,
        formatCount(each),
        formatCount(all),
      ]),
      [element('strong', {}, 'total'), '', element('strong', {}, formatCount(total))],
    ],
    NUMBERS,
  );
}
