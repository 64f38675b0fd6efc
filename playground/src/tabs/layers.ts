/** The strip of layers, which follows typing; kernels join it once they are made. */
import { ModelPanel } from '@hyb/view';
import type { ModelView } from '@hyb/compiler/inspect/model-view';
import { ModelPane } from './model-pane.js';
import type { ShownModel } from './model-pane.js';
import type { Links } from './pane.js';

export class LayersPane extends ModelPane {
  readonly id = 'layers';
  readonly title = 'Layers';
  readonly #panel: ModelPanel;

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
    if (!this.body.contains(this.#panel.element)) this.body.append(this.#panel.element);
    this.#panel.show(view);
  }

  /** Marks the layer that the cursor stands on. */
  cursor(path: string, offset: number): void {
    this.#panel.follow(path, offset);
  }
}
