/** A training engine without a device: a table of next-token logits, trained with Adam. Small, exact, and it really learns. */
import { UsageError } from '../../src/errors.js';
import type { EngineTensor, StepResult, StepSettings, TrainingEngine, TrainingPart } from '../../src/train/engine.js';

const [BETA1, BETA2, EPS] = [0.9, 0.95, 1e-8];

export interface BigramOptions {
  readonly vocab: number;
  /** Changes a step's result, or its gradients by a factor (NaN, say), before the update. */
  readonly disturb?: (settings: StepSettings) => number | undefined;
  /** Steps in the order in which they were submitted. */
  readonly submitted?: StepSettings[];
}

export class BigramEngine implements TrainingEngine {
  readonly memory = { total: 1234 };
  readonly parts: (readonly TrainingPart[])[] = [];
  readonly #vocab: number;
  readonly #options: BigramOptions;
  readonly #tensors: Readonly<Record<string, Float32Array>>;

  constructor(options: BigramOptions) {
    const { vocab } = options;
    this.#vocab = vocab;
    this.#options = options;
    this.#tensors = Object.fromEntries(
      ['table.a', 'table.b', 'exp_avg.table.a', 'exp_avg.table.b', 'exp_avg_sq.table.a', 'exp_avg_sq.table.b'].map(
        (name) => [name, new Float32Array((vocab * vocab) / 2)],
      ),
    );
  }

  step(parts: readonly TrainingPart[], settings: StepSettings): Promise<StepResult> {
    this.#options.submitted?.push(settings);
    this.parts.push(parts);
    const { gradients, loss, labels } = this.#loss(parts);
    const factor = this.#options.disturb?.(settings) ?? 1;
    const squares = gradients.reduce((sum, g) => sum + (g * factor) ** 2, 0);
    const shown = loss * factor;
    const parameterNorm = Math.sqrt(this.#both('').reduce((sum, w) => sum + w * w, 0));
    const applied = Number.isFinite(shown) && Number.isFinite(squares) && shown <= (settings.lossLimit ?? Infinity);
    if (applied) this.#update(gradients, settings);
    const result = { loss: shown, labels, gradientNorm: Math.sqrt(squares), parameterNorm, applied };
    return Promise.resolve(settings.probes ? { ...result, probes: [] } : result);
  }

  evaluate(parts: readonly TrainingPart[]): Promise<{ loss: number; labels: number }> {
    const { loss, labels } = this.#loss(parts);
    return Promise.resolve({ loss, labels });
  }

  parameters(): readonly EngineTensor[] {
    return this.#list(/^table/);
  }

  moments(): readonly EngineTensor[] {
    return this.#list(/^exp/);
  }

  write(name: string, values: Float32Array): Promise<void> {
    const tensor = this.#tensors[name];
    if (tensor?.length !== values.length) return Promise.reject(new UsageError('bad-argument', `${name}?`));
    tensor.set(values);
    return Promise.resolve();
  }

  dispose(): void {}

  #list(names: RegExp): readonly EngineTensor[] {
    return Object.entries(this.#tensors)
      .filter(([name]) => names.test(name))
      .map(([name, values]) => ({
        name,
        shape: [this.#vocab / 2, this.#vocab],
        read: () => Promise.resolve(values.slice()),
      }));
  }

  #both(prefix: string): Float32Array {
    return Float32Array.of(...this.#tensors[`${prefix}table.a`]!, ...this.#tensors[`${prefix}table.b`]!);
  }

  #loss(parts: readonly TrainingPart[]): { gradients: Float64Array; loss: number; labels: number } {
    const V = this.#vocab;
    const table = this.#both('');
    const gradients = new Float64Array(V * V);
    let [loss, labels] = [0, 0];
    for (const { tokens } of parts.flat()) {
      for (let t = 0; t + 1 < tokens.length; t++) {
        const row = table.subarray(tokens[t]! * V, (tokens[t]! + 1) * V);
        const sum = row.reduce((total, x) => total + Math.exp(x), 0);
        loss += Math.log(sum) - row[tokens[t + 1]!]!;
        labels += 1;
        row.forEach((x, v) => (gradients[tokens[t]! * V + v]! += Math.exp(x) / sum - (v === tokens[t + 1] ? 1 : 0)));
      }
    }
    return { gradients: gradients.map((g) => g / labels), loss: loss / labels, labels };
  }

  #update(gradients: Float64Array, { step, rate }: StepSettings): void {
    const half = gradients.length / 2;
    for (const [at, part] of [
      [0, 'table.a'],
      [half, 'table.b'],
    ] as const) {
      const [w, m, v] = ['', 'exp_avg.', 'exp_avg_sq.'].map((prefix) => this.#tensors[`${prefix}${part}`]!);
      for (let i = 0; i < half; i++) {
        const g = gradients[at + i]!;
        m![i] = BETA1 * m![i]! + (1 - BETA1) * g;
        v![i] = BETA2 * v![i]! + (1 - BETA2) * g * g;
        w![i]! -= (rate * (m![i]! / (1 - BETA1 ** step))) / (Math.sqrt(v![i]! / (1 - BETA2 ** step)) + EPS);
      }
    }
  }
}
