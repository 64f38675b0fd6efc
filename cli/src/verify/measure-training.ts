/** How far a model's training is from that of its original implementation. Runs wherever the model does. */
import { createTrainer, loadParameters } from '@hyb/runtime';
import type { Device, Program, Trainer, TrainerOptions, TrainingPart, WeightSource, WgslSources } from '@hyb/runtime';
import { largestDifference } from './measure.js';
import type { Check, Measurement } from './measure.js';
import type { Recorded } from './recorded.js';

export interface TrainingWork {
  readonly program: Program;
  readonly kernels: WgslSources;
  readonly device: Device;
  readonly weights: WeightSource;
  readonly name: string;
}

/** Of the recorded tensor's largest entry. */
const GRADIENT_TOLERANCE = 1e-4;
const LOSS_TOLERANCE = 1e-3;
const WEIGHT_TOLERANCE = 2e-3;

/** What `golden.safetensors` was recorded with. */
const ADAMW = { name: 'AdamW', betas: [0.9, 0.95], eps: 1e-8, weightDecay: 0.1 } as const;
const RATE = 2e-3;

export async function measureTraining(work: TrainingWork, recorded: Recorded): Promise<Measurement> {
  const checks: Check[] = [...(await measureGradients(work, recorded)), ...(await measureSteps(work, recorded))];
  return { device: work.name, checks, layers: [] };
}

/** Loss and gradients of the recorded batch, sequence by sequence, as accumulated parts are. */
async function measureGradients(work: TrainingWork, recorded: Recorded): Promise<Check[]> {
  return withTrainer(work, {}, async (trainer) => {
    const tokens = await rows(recorded, 'train.tokens');
    const labels = await rows(recorded, 'train.labels');
    const parts: TrainingPart[] = tokens.map((own, i) => [{ tokens: own, labels: labels[i]! }]);
    const { loss } = await trainer.step(parts, { step: 1, rate: 0, lossScale: 1, probes: false });
    const expected = await recorded.values('train.loss');
    const checks: Check[] = [
      { name: 'loss', largest: largestDifference([loss], expected), allowed: LOSS_TOLERANCE, compared: 1 },
    ];
    const found = await tensors(work.program, trainer.gradients());
    for (const [name, read] of found) {
      const values = await recorded.values(`grad.${name}`);
      const allowed = GRADIENT_TOLERANCE * largestOf(values);
      checks.push({
        name: `gradient of ${name}`,
        largest: largestDifference(await read(), values),
        allowed,
        compared: values.length,
      });
    }
    return checks;
  });
}

/** The recorded steps of AdamW: losses, norms, and the weights after them. */
async function measureSteps(work: TrainingWork, recorded: Recorded): Promise<Check[]> {
  return withTrainer(work, { clip: 1 }, async (trainer) => {
    const shape = recorded.shape('adamw.tokens');
    const [steps, sequences, length] = shape as [number, number, number];
    const tokens = await recorded.values('adamw.tokens');
    const losses: number[] = [];
    const norms: number[] = [];
    for (let step = 0; step < steps; step++) {
      const part = Array.from({ length: sequences }, (_, i) => {
        const start = (step * sequences + i) * length;
        return { tokens: Array.from({ length }, (_unused, t) => tokens[start + t]!) };
      });
      const result = await trainer.step([part], { step: step + 1, rate: RATE, lossScale: 1, probes: false });
      losses.push(result.loss);
      norms.push(result.gradientNorm);
    }
    const expectedLosses = await recorded.values('adamw.losses');
    const expectedNorms = await recorded.values('adamw.grad_norms');
    const checks: Check[] = [
      {
        name: `losses of ${steps} steps`,
        largest: largestDifference(losses, expectedLosses),
        allowed: LOSS_TOLERANCE,
        compared: steps,
      },
      {
        name: 'norms of their gradients',
        largest: largestDifference(norms, expectedNorms),
        allowed: LOSS_TOLERANCE * largestOf(expectedNorms),
        compared: steps,
      },
    ];
    let largest = 0;
    let compared = 0;
    for (const [name, read] of await tensors(work.program, trainer.parameters())) {
      const values = await recorded.values(`adamw.weight.${name}`);
      largest = Math.max(largest, largestDifference(await read(), values));
      compared += values.length;
    }
    checks.push({ name: 'weights after them', largest, allowed: WEIGHT_TOLERANCE, compared });
    return checks;
  });
}

async function withTrainer<T>(
  { program, kernels, device, weights }: TrainingWork,
  options: Partial<TrainerOptions>,
  use: (trainer: Trainer) => Promise<T>,
): Promise<T> {
  const trainer = await createTrainer(program, kernels, { device, optimizer: ADAMW, storage: 'f32', ...options });
  try {
    await loadParameters(trainer, program, weights, { unexpected: 'ignore' });
    return await use(trainer);
  } finally {
    trainer.dispose();
  }
}

/** Tensors of a checkpoint, made of the engine's. */
async function tensors(
  program: Program,
  found: ReturnType<Trainer['parameters']>,
): Promise<readonly (readonly [string, () => Promise<ArrayLike<number>>])[]> {
  const byPath = new Map(found.map((tensor) => [tensor.name, tensor]));
  const layout = program.checkpoint ?? program.parameters.map(({ path }) => ({ name: path, parts: [path] }));
  return Promise.resolve(
    layout.map(({ name, parts }) => [
      name,
      async () => {
        const values: number[] = [];
        for (const part of parts) for (const value of await byPath.get(part)!.read()) values.push(value);
        return values;
      },
    ]),
  );
}

async function rows(recorded: Recorded, name: string): Promise<readonly (readonly number[])[]> {
  const [count, length] = recorded.shape(name) as [number, number];
  const values = await recorded.values(name);
  return Array.from({ length: count }, (_, i) => Array.from({ length }, (_unused, t) => values[i * length + t]!));
}

function largestOf(values: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < values.length; i++) largest = Math.max(largest, Math.abs(values[i]!));
  return largest;
}
