/** Tabs as the ARIA practices describe them: arrow keys move among them, only the chosen one's panel is there. */
import { element } from '@hyb/view';

export interface Tab {
  readonly id: string;
  readonly title: string;
  readonly panel: HTMLElement;
}

export class TabBar {
  readonly bar = element('div', { role: 'tablist', 'aria-label': 'Views of the model', class: 'tabs' });
  readonly panels = element('div', { class: 'panels' });
  readonly #buttons = new Map<string, HTMLButtonElement>();
  #chosen: string;

  constructor(
    readonly tabs: readonly Tab[],
    chosen: string,
    readonly onChoose: (id: string) => void,
  ) {
    this.#chosen = chosen;
    for (const { id, title, panel } of tabs) {
      const button = element(
        'button',
        {
          type: 'button',
          role: 'tab',
          id: `tab-${id}`,
          'aria-controls': `panel-${id}`,
          onclick: () => this.choose(id),
        },
        title,
      );
      this.#buttons.set(id, button);
      this.bar.append(button);
      panel.id = `panel-${id}`;
      panel.setAttribute('role', 'tabpanel');
      panel.setAttribute('aria-labelledby', `tab-${id}`);
      panel.tabIndex = 0;
      this.panels.append(panel);
    }
    this.bar.addEventListener('keydown', (event) => this.#pressed(event));
    this.#mark();
  }

  get chosen(): string {
    return this.#chosen;
  }

  choose(id: string): void {
    if (!this.#buttons.has(id)) return;
    this.#chosen = id;
    this.#mark();
    this.onChoose(id);
  }

  /** A number beside a tab's title, such as how many errors there are. */
  badge(id: string, count: number): void {
    const button = this.#buttons.get(id)!;
    button.querySelector('.badge')?.remove();
    if (count > 0) button.append(element('span', { class: 'badge' }, String(count)));
  }

  #mark(): void {
    for (const { id, panel } of this.tabs) {
      const chosen = id === this.#chosen;
      const button = this.#buttons.get(id)!;
      button.setAttribute('aria-selected', String(chosen));
      button.tabIndex = chosen ? 0 : -1;
      panel.hidden = !chosen;
    }
  }

  #pressed(event: KeyboardEvent): void {
    const at = this.tabs.findIndex(({ id }) => id === this.#chosen);
    const count = this.tabs.length;
    const moves: Readonly<Record<string, number>> = {
      ArrowLeft: (at + count - 1) % count,
      ArrowRight: (at + 1) % count,
      Home: 0,
      End: count - 1,
    };
    const next = moves[event.key];
    if (next === undefined) return;
    event.preventDefault();
    this.choose(this.tabs[next]!.id);
    this.#buttons.get(this.#chosen)!.focus();
  }
}
