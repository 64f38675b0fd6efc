/** The strip of layers, which follows typing; kernels join it once they are made. */
import { ModelPanel } from '@hyb/view';
import type { ModelView } from '@hyb/compiler/inspect/model-view';
import type { Span } from '@hyb/grammar';
import { ModelPane } from './model-pane.js';
import type { ShownModel } from './model-pane.js';
import type { Links } from './pane.js';

export class LayersPane extends ModelPane {
  readonly id = 'layers';
  readonly title = 'Layers';
  readonly #panel: ModelPanel;
  #view: ModelView | undefined;

  constructor(links: Links) {
    super();
    this.#panel = new ModelPanel({ onOpen: (place) => links.open(place) });
  }

  protected async prepare({ compiler, checked, model }: ShownModel): Promise<() => void> {
    if (checked.view?.model === model) this.#draw(checked.view);
    const view = await compiler.ask('view', { model });
    return () => this.#draw(view);
  }

  #draw(view: ModelView): void {
    this.#view = view;
    if (!this.body.contains(this.#panel.element)) this.body.append(this.#panel.element);
    this.#panel.show(view);
  }

  /** Marks the layer that the cursor stands on; of layers that are written in one place, the one that was chosen. */
  cursor(path: string, offset: number): void {
    const holds = ({ file, start, end }: Span): boolean => file === path && start <= offset && offset <= end;
    const chosen = this.#panel.place;
    if (chosen !== undefined && holds(chosen)) return;
    const at = this.#view?.layers.findIndex(({ index, place }) => index !== null && holds(place));
    if (at !== undefined && at >= 0) this.#panel.choose(at);
  }
}
