/** Training steps in f64 by the meaning of the ops: what devices are compared with, and training where there is none. */
import type {
  EngineTensor,
  StepResult,
  StepSettings,
  TrainingEngine,
  TrainingPart,
  TrainingSequence,
} from '@hyb/runtime';
import { momentOf, MOMENTS } from '@hyb/runtime/train/moments';
import { roundingStreams } from '@hyb/runtime/train/rounding';
import { crossEntropy, IGNORED } from '../grad/loss.js';
import { differentiateModel, lossAndGradients } from '../grad/model.js';
import { forwardGraph } from '../grad/training-graph.js';
import type { Scaling } from '../grad/scale.js';
import type { TrainingSequence as ListedSequence } from '../grad/model.js';
import type { ModelGraph } from '../graph/graph.js';
import type { Dtype } from '../graph/types.js';
import type { Reference } from '../ops/op.js';
import type { TrainedParameter } from '../train/parameters.js';
import type { TrainFields } from '../train/resolve-train.js';
import { evaluateModel } from './model.js';
import { roundState } from './state-rounding.js';
import { updateRule } from './update-rules.js';
import type { Values } from './update-rules.js';
import { matricesOf, workingCopies } from './working-copies.js';

/** Looked up once for the inner loops. */
const { sqrt } = Math;

export interface ReferenceEngineOptions {
  /** Of the recipe's model, or of the model without any rounding. */
  readonly model: ModelGraph;
  /** Of the copies of parameters that products read, by full path: `formats` of the checked model; absent: f32. */
  readonly formats?: ReadonlyMap<string, Dtype>;
  /** Of what is rounded to 8 bits: `fp8Scale` of the checked model; absent: each tensor by its largest magnitude. */
  readonly fp8Scale?: number | undefined;
  readonly recipe: Pick<TrainFields, 'optimizer' | 'clip' | 'loss' | 'seed'>;
  readonly parameters: readonly TrainedParameter[];
  /** First values of a parameter. */
  readonly values: (parameter: TrainedParameter) => ArrayLike<number>;
  /** Of parameters and moments between steps. Only f32, the default, goes through checkpoints unchanged. */
  readonly kept?: 'f32' | 'f64';
}

/** An engine that computes in f64. Slow: for models of a few thousand parameters. */
export function referenceEngine(options: ReferenceEngineOptions): TrainingEngine {
  return new ReferenceEngine(options);
}

interface Slot {
  readonly parameter: TrainedParameter;
  readonly values: Values;
  /** By the prefix of their names. */
  readonly moments: Readonly<Record<string, Values>>;
}

class ReferenceEngine implements TrainingEngine {
  readonly memory: { readonly total: number };
  readonly #slots: ReadonlyMap<string, Slot>;
  readonly #scaling: Scaling;
  /** As training computes it. */
  readonly #model: ModelGraph;
  readonly #graphs: ReturnType<typeof differentiateModel>;
  readonly #matrices: ReturnType<typeof matricesOf>;

  constructor(readonly options: ReferenceEngineOptions) {
    let elements = 0;
    this.#slots = new Map(
      options.parameters.map((parameter) => {
        const Kept = options.kept === 'f64' ? Float64Array : Float32Array;
        const values = Kept.from(options.values(parameter));
        const kinds = MOMENTS[parameter.rule];
        const moments = Object.fromEntries(kinds.map((kind) => [kind, new Kept(values.length)]));
        elements += values.length * (1 + kinds.length);
        return [parameter.path, { parameter, values, moments }];
      }),
    );
    this.memory = { total: (options.kept === 'f64' ? 8 : 4) * elements };
    this.#scaling = options.fp8Scale ?? 'current';
    const graphs = options.model.graphs.map((graph) => forwardGraph(graph, this.#scaling));
    this.#model = { ...options.model, graphs };
    this.#graphs = differentiateModel(options.model, this.#scaling);
    this.#matrices = matricesOf(options.model);
  }

  async step(parts: readonly TrainingPart[], settings: StepSettings): Promise<StepResult> {
    // As on a device, work goes on beside the caller's; timers keep the order of steps.
    await new Promise((resolve) => setTimeout(resolve, 0));
    const { lossScale, lossLimit = Infinity } = settings;
    const master = this.#weights();
    const weights = this.#workingCopies(master);
    const { recipe } = this.options;
    const labels = countLabels(parts.flat().map(listed));
    const gradients = new Map<string, Reference>();
    let loss = 0;
    // Part by part, since each has scales of its own.
    for (const part of parts) {
      const sequences = part.map(listed);
      const share = labels === 0 ? 0 : countLabels(sequences) / labels;
      const terms = recipe.loss.arguments;
      const found = lossAndGradients(this.#model, weights, sequences, this.#graphs, terms, share * lossScale);
      loss += share * found.loss;
      for (const [path, { shape, data }] of found.gradients) {
        const sum = gradients.get(path)?.data ?? new Float64Array(data.length);
        data.forEach((value, i) => (sum[i]! += value / lossScale));
        gradients.set(path, { shape, data: sum });
      }
    }
    const gradientNorm = norm([...gradients.values()].map(({ data }) => data));
    const parameterNorm = norm([...master.values()].map(({ data }) => data));
    const applied = Number.isFinite(loss) && Number.isFinite(gradientNorm) && loss <= lossLimit;
    if (applied) this.#update(gradients, gradientNorm, settings);
    return { loss, labels, gradientNorm, parameterNorm, applied };
  }

  evaluate(parts: readonly TrainingPart[]): Promise<{ readonly loss: number; readonly labels: number }> {
    const weights = this.#workingCopies(this.#weights());
    const results = parts.map((part) => {
      const sequences = part.map(listed);
      return crossEntropy(
        evaluateModel(this.#model, weights, sequences).sequences.map(({ logits }) => logits),
        sequences.map(({ tokens, labels }) => labels ?? tokens),
      );
    });
    const labels = results.reduce((sum, { count }) => sum + count, 0);
    const total = results.reduce((sum, { loss, count }) => sum + loss * count, 0);
    return Promise.resolve({ loss: labels === 0 ? 0 : total / labels, labels });
  }

  parameters(): readonly EngineTensor[] {
    return [...this.#slots.values()].map(({ parameter, values }) => tensor(parameter.path, parameter.shape, values));
  }

  moments(): readonly EngineTensor[] {
    return [...this.#slots.values()].flatMap(({ parameter, moments }) =>
      Object.entries(moments).map(([kind, values]) => ({
        ...tensor(`${kind}.${parameter.path}`, parameter.shape, values),
        ...(parameter.state === 'bf16' && { dtype: 'BF16' as const }),
      })),
    );
  }

  write(name: string, values: Float32Array): Promise<void> {
    const { moment, path } = momentOf(name);
    const slot = this.#slots.get(path);
    const place = moment === undefined ? slot?.values : slot?.moments[moment];
    if (place?.length !== values.length) {
      return Promise.reject(new Error(`There is no ${name} with ${values.length} values.`));
    }
    place.set(values);
    return Promise.resolve();
  }

  dispose(): void {
    // Memory of the host.
  }

  #weights(): ReadonlyMap<string, Reference> {
    return new Map(
      [...this.#slots].map(([path, { parameter, values }]) => [
        path,
        { shape: parameter.shape, data: Float64Array.from(values) },
      ]),
    );
  }

  #workingCopies(master: ReadonlyMap<string, Reference>): ReadonlyMap<string, Reference> {
    const { formats } = this.options;
    return formats === undefined ? master : workingCopies(master, this.#matrices, formats, this.#scaling);
  }

  #update(gradients: ReadonlyMap<string, Reference>, gradientNorm: number, { step, rate }: StepSettings): void {
    const { clip, optimizer } = this.options.recipe;
    // As in PyTorch's clip_grad_norm_, the origin of the small number too.
    const factor = clip === null ? 1 : Math.min(1, clip / (gradientNorm + 1e-6));
    for (const slot of this.#slots.values()) {
      const { data } = gradients.get(slot.parameter.path)!;
      const change = updateRule(optimizer, slot.parameter, slot.moments, step, (i) => factor * data[i]!);
      const own = rate * slot.parameter.rate;
      const shrink = 1 - own * slot.parameter.decay * optimizer.arguments.weight_decay;
      for (let i = 0; i < data.length; i++) {
        slot.values[i] = shrink * slot.values[i]! - own * change(i);
      }
      if (slot.parameter.state === 'bf16') this.#roundState(slot, step);
    }
  }

  #roundState({ parameter, moments }: Slot, step: number): void {
    const { optimizer, seed } = this.options.recipe;
    const stochastic = optimizer.name !== 'SGD' && optimizer.arguments.stochastic_rounding;
    const streams = stochastic ? roundingStreams(seed, parameter.path) : undefined;
    const { columns } = parameter.matrix ?? { columns: parameter.shape.at(-1)! };
    MOMENTS[parameter.rule].forEach((kind, which) => roundState(moments[kind]!, which, columns, step, streams));
  }
}

function tensor(name: string, shape: readonly number[], values: Values): EngineTensor {
  return { name, shape, read: () => Promise.resolve(Float32Array.from(values)) };
}

function listed({ tokens, labels }: TrainingSequence): ListedSequence {
  return { tokens: Array.from(tokens), ...(labels === undefined ? {} : { labels: Array.from(labels) }) };
}

function countLabels(sequences: readonly ListedSequence[]): number {
  return sequences.reduce(
    (sum, { tokens, labels }) => sum + (labels ?? tokens).slice(1).filter((label) => label !== IGNORED).length,
    0,
  );
}

function norm(tensors: readonly Float64Array[]): number {
  return sqrt(tensors.reduce((sum, data) => data.reduce((part, x) => part + x * x, sum), 0));
}
