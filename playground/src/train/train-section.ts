/** Training in the tab: a recipe of the source or a default one, a text, and the loss while it falls. */
import { element } from '@hyb/view';
import { messageOf } from '@hyb/runtime/messages';
import type { ShownRecipe } from '../compiler/protocol.js';
import type { RunCommand, StepEvent } from '../run/protocol.js';
import { amount, choice, controls } from '../tabs/controls.js';
import type { ShownModel } from '../tabs/model-pane.js';
import type { LossChart } from './loss-chart.js';

const MOST_STEPS = 100_000;

export interface TrainActions {
  /** Hands a command to the worker, or does not. */
  send(command: RunCommand): void;
  /** The section has begun something or has something to say. */
  began(text: string): void;
  failed(error: unknown): void;
}

export class TrainSection {
  readonly element = element('fieldset', {}, element('legend', {}, 'Train'));
  readonly #actions: TrainActions;
  readonly #recipes = element('select', { onchange: () => void this.#describe() });
  readonly #recipeLabel = element('label', { hidden: true }, 'Recipe ', this.#recipes);
  readonly #about = element('p', {});
  readonly #source = element('pre', {
    hidden: true,
    tabindex: '0',
    role: 'region',
    'aria-label': 'Default recipe',
  });
  readonly #steps = amount('steps', [100, 1, MOST_STEPS]);
  readonly #from = choice(
    'text',
    [
      ['novel', 'Moby-Dick, first chapters'],
      ['own', 'your own'],
    ],
    () => this.#choseText(),
  );
  readonly #text = element('textarea', {
    rows: '5',
    hidden: true,
    'aria-label': 'Text to learn from',
    placeholder: 'Paste a text to learn from: the longer the better.',
  });
  readonly #train = element('button', { type: 'button', onclick: () => void this.#begin() }, 'Train');
  readonly #resume = element('button', { type: 'button', disabled: true, onclick: () => this.#goOn() }, 'Resume');
  /** Where the loss is drawn. */
  readonly curve = element('div');
  #chart: LossChart | undefined;
  #shown: ShownModel | undefined;
  /** Step that the run in the worker has come to. */
  #reached: number | undefined;

  constructor(actions: TrainActions) {
    this.#actions = actions;
    this.element.append(
      this.#about,
      this.#source,
      controls(this.#recipeLabel, this.#steps.element, this.#from.element),
      this.#text,
      controls(this.#train, this.#resume),
    );
  }

  /** Shows the recipes of a model. */
  async show(shown: ShownModel): Promise<void> {
    this.#shown = shown;
    const names = shown.checked.recipes[shown.model] ?? [];
    const chosen = this.#recipes.value;
    this.#recipes.replaceChildren(...names.map((name) => element('option', { value: name }, name)));
    if (names.includes(chosen)) this.#recipes.value = chosen;
    this.#recipeLabel.hidden = names.length < 2;
    await this.#describe();
  }

  /** A step was taken. */
  step(event: StepEvent): void {
    this.#reached = event.step;
    this.#chart?.add(event);
  }

  reached(step: number): void {
    this.#reached = step;
  }

  busy(busy: boolean): void {
    this.#train.disabled = busy;
    this.#resume.disabled = busy || this.#reached === undefined;
    this.#resume.textContent = this.#reached === undefined ? 'Resume' : `Resume from step ${this.#reached}`;
  }

  async #describe(): Promise<void> {
    const shown = this.#shown!;
    try {
      const described = await shown.compiler.ask('recipe', this.#chosen(shown));
      if (this.#shown !== shown) return;
      this.#about.textContent = describe(described);
      this.#source.hidden = described.text === null;
      this.#source.textContent = described.text;
      this.#steps.set(described.recipe.steps!.value);
    } catch (error) {
      this.#about.textContent = messageOf(error);
    }
  }

  #chosen({ model }: ShownModel): { readonly model: string; readonly recipe?: string } {
    return { model, ...(this.#recipes.value === '' ? {} : { recipe: this.#recipes.value }) };
  }

  #choseText(): void {
    this.#text.hidden = this.#from.value() !== 'own';
    if (!this.#text.hidden) this.#text.focus();
  }

  async #begin(): Promise<void> {
    const shown = this.#shown!;
    const text = this.#from.value() === 'own' ? this.#text.value : null;
    if (text?.trim() === '') return this.#actions.failed('There is no text yet: paste one.');
    this.#actions.began('Compiling');
    try {
      const [{ LossChart }, trainable] = await Promise.all([
        import('./loss-chart.js'),
        shown.compiler.ask('trainable', { ...this.#chosen(shown), steps: this.#steps.value() }),
      ]);
      if (this.#chart === undefined) {
        this.#chart = new LossChart();
        this.curve.append(this.#chart.element);
      }
      this.#chart.clear();
      this.#reached = undefined;
      this.#actions.send({ kind: 'train', trainable, text });
    } catch (error) {
      this.#actions.failed(error);
    }
  }

  #goOn(): void {
    if (this.#steps.value() <= this.#reached!) {
      return this.#actions.failed(`Step ${this.#reached} is reached already: ask for more steps to go on.`);
    }
    this.#actions.began('Going on');
    this.#actions.send({ kind: 'resume', steps: this.#steps.value() });
  }
}

function describe({ recipe, text, changes }: ShownRecipe): string {
  const { sequence, batch, optimizer, rate, schedule } = recipe;
  const what = `${batch.value} sequences of ${sequence!.value} tokens a step, ${optimizer.name} at a rate of ${rate} (${schedule.name}).`;
  const whose =
    text === null ? `The recipe ${recipe.name ?? ''}` : 'The source has no recipe; this one can be put into it';
  return [`${whose}: ${what}`, ...(changes.length === 0 ? [] : ['In the tab it differs.', ...changes])].join(' ');
}
