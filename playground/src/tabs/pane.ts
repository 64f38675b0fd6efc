/** What every tab is given to show. */
import type { Span } from '@hyb/grammar';
import type { CompilerClient } from '../compiler/client.js';
import type { Checked } from '../compiler/protocol.js';

export interface Shown {
  readonly compiler: CompilerClient;
  readonly checked: Checked;
  /** The model that was chosen; undefined: there is none without errors. */
  readonly model: string | undefined;
}

export interface Pane {
  readonly id: string;
  readonly title: string;
  readonly element: HTMLElement;
  /** Called when the tab is chosen, and while it is, after each change of the source. */
  show(shown: Shown): Promise<void> | void;
}

export interface Links {
  /** Shows a place of the source, or of a file that it uses. */
  open(place: Span): void;
}
