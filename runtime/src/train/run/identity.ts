/** What must be the same in a run that is resumed. */
import { TrainingError } from '../../errors.js';
import type { RunState } from '../checkpoints/checkpoint.js';
import type { TrainOptions } from './train.js';

/** In words for people, since they read them when something differs. */
export function identityOf({
  recipe,
  length,
  data,
  engine,
}: Pick<TrainOptions, 'recipe' | 'length' | 'data' | 'engine'>): RunState['identity'] {
  const parameters = engine.parameters();
  const elements = parameters.reduce((sum, { shape }) => sum + shape.reduce((n, size) => n * size, 1), 0);
  return {
    parameters: `${parameters.length} tensors, ${elements} values`,
    sequence: `${length.sequence} tokens`,
    batch: `${length.batch} sequences`,
    optimizer: optimizerOf(recipe),
    seed: String(recipe.seed),
    ...recipe.identity,
    ...Object.fromEntries(
      Object.entries(data.sources).map(([name, { source, count }]) => [
        name === '' ? 'data' : `data '${name}'`,
        `${source.info.key}, ${count} sequences`,
      ]),
    ),
  };
}

/** Arguments on which the moments depend: what is kept means something else with others. */
const KEPT = ['betas', 'momentum'];

function optimizerOf({ optimizer }: TrainOptions['recipe']): string {
  const kept = Object.entries(optimizer.arguments).filter(([name]) => KEPT.includes(name));
  return `${optimizer.name}(${kept.map(([name, value]) => `${name} = ${JSON.stringify(value)}`).join(', ')})`;
}

/** @throws TrainingError `bad-run` naming what differs */
export function requireSame(then: RunState['identity'], now: RunState['identity'], name: string): void {
  const differences = [...new Set([...Object.keys(then), ...Object.keys(now)])]
    .filter((key) => then[key] !== now[key])
    .map((key) => `${key}: then ${then[key] ?? 'none'}, now ${now[key] ?? 'none'}`);
  if (differences.length === 0) return;
  throw new TrainingError(
    'bad-run',
    `${name} is of another run, which this one cannot go on from:\n  ${differences.join('\n  ')}\nTrain into another folder, or with what it was begun with.`,
    { items: differences },
  );
}
