/** A pane about one model: says so where there is none, and shows nothing that has been overtaken by a later edit. */
import { element } from '@hyb/view';
import { messageOf } from '@hyb/runtime/messages';
import type { CompilerClient } from '../compiler/client.js';
import type { Checked } from '../compiler/protocol.js';
import type { Pane, Shown } from './pane.js';

export interface ShownModel {
  readonly compiler: CompilerClient;
  readonly checked: Checked;
  readonly model: string;
}

export abstract class ModelPane implements Pane {
  abstract readonly id: string;
  abstract readonly title: string;
  readonly element = element('section');
  readonly #note = element('p', { class: 'note', role: 'status' });
  protected readonly body = element('div');
  #turn = 0;
  #last: Shown | undefined;

  constructor() {
    this.element.append(this.#note, this.body);
  }

  async show(shown: Shown): Promise<void> {
    this.#last = shown;
    const turn = ++this.#turn;
    const { model } = shown;
    this.#note.textContent = model === undefined ? this.#missing(shown.checked) : '';
    if (model === undefined) return;
    try {
      const draw = await this.prepare({ ...shown, model });
      if (turn === this.#turn) draw();
    } catch (error) {
      if (turn === this.#turn) this.#note.textContent = messageOf(error);
    }
  }

  /** Why there is no model, and what stands below: a run goes on there, whatever the source has become. */
  #missing({ diagnostics }: Checked): string {
    const broken = diagnostics.some(({ severity }) => severity === 'error');
    const drawn = this.body.childElementCount > 0;
    if (broken && !drawn) return 'There is no model without errors yet: see Diagnostics.';
    if (broken) return 'The source has errors. What follows is about the last version without.';
    return drawn
      ? 'The source declares no model. What follows is about the last one that was shown.'
      : 'The source declares no model.';
  }

  /** Asks for what is to be shown; the result draws it. */
  protected abstract prepare(shown: ShownModel): Promise<() => void>;

  /** After a control of the pane was changed. */
  protected again(): void {
    if (this.#last !== undefined) void this.show(this.#last);
  }
}
