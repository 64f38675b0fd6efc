/** What each stage of the compiler makes of the model, as `hyb build --print STAGE` prints it. */
import { element } from '@hyb/view';
import type { PrintableStage } from '@hyb/compiler/inspect/print-stage';
import { choice, controls, tick } from './controls.js';
import { ModelPane } from './model-pane.js';
import type { ShownModel } from './model-pane.js';

const STAGES: readonly (readonly [PrintableStage, string])[] = [
  ['graph', 'graph: ops of each kind of layer'],
  ['ast', 'ast: syntax'],
  ['model', 'model: names and sizes resolved'],
  ['plan', 'plan: kernels of each kind of layer'],
  ['program', 'program: all that the runtime reads'],
  ['wgsl', 'wgsl: kernels'],
];
/** Browsers lay out a few megabytes of text for seconds. */
const MOST_TEXT = 1_000_000;

export class StagesPane extends ModelPane {
  readonly id = 'stages';
  readonly title = 'Stages';
  readonly #stage = choice('Stage', STAGES, () => this.again());
  readonly #fused = tick('fused', true, () => this.again());
  readonly #text = element('pre', { tabindex: '0', 'aria-label': 'Text of the stage' });

  protected async prepare({ compiler, model }: ShownModel): Promise<() => void> {
    const stage = this.#stage.value() as PrintableStage;
    const text = await compiler.ask('stage', { model, stage, fused: this.#fused.value() });
    return () => {
      if (this.body.childElementCount === 0) {
        this.body.append(controls(this.#stage.element, this.#fused.element), this.#text);
      }
      this.#text.textContent =
        text.length > MOST_TEXT ? `${text.slice(0, MOST_TEXT)}\n… (hyb build --print ${stage} prints all)` : text;
    };
  }
}
