/** A recipe of a checked source, with its model as it is trained. */
import { checkModel, trainingModel } from '@hyb/compiler';
import type { Checked, CheckedModel, TrainRecipe } from '@hyb/compiler';
import { hasErrors } from '../report/diagnostics.js';
import { reportFindings } from '../project/source.js';
import type { OpenedSource } from '../project/source.js';
import { CliError, EXIT, Exit } from '../terminal/errors.js';
import type { Io } from '../terminal/io.js';

export type TrainableRecipe = TrainRecipe & Required<Pick<TrainRecipe, 'model'>>;

export interface CheckedRecipe {
  readonly recipe: TrainableRecipe;
  /** In the precision that the recipe says. */
  readonly checked: CheckedModel;
}

/** @throws Exit after findings were printed; CliError for a recipe without a model */
export function checkRecipe(
  io: Io,
  { texts }: Pick<OpenedSource, 'texts'>,
  { trains }: Checked,
  name: string,
  json: boolean | undefined,
): CheckedRecipe {
  const found = trains.find((train) => train.name === name);
  if (found?.model === undefined) {
    throw new CliError(
      `The recipe ${name} says of no model: it is there to be derived from.`,
      'Write `train NAME of MODEL …`.',
    );
  }
  const recipe: TrainableRecipe = { ...found, model: found.model };
  const { checked, diagnostics } = checkModel(trainingModel(recipe));
  reportFindings(io, diagnostics, texts, json);
  if (checked === undefined || hasErrors(diagnostics)) throw new Exit(EXIT.findings);
  return { recipe, checked };
}
