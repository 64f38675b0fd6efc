/** Findings as a list: each leads to its place, and its repairs can be applied. */
import { element } from '@hyb/view';
import type { Diagnostic, Fix, Span } from '@hyb/grammar';
import type { Links, Pane, Shown } from './pane.js';

export interface DiagnosticsLinks extends Links {
  apply(fix: Fix): void;
  /** `12:4`, or the file's name where it is another one. */
  describe(place: Span): string;
}

const MOST_SHOWN = 200;

export class DiagnosticsPane implements Pane {
  readonly id = 'diagnostics';
  readonly title = 'Diagnostics';
  readonly element = element('section');

  constructor(readonly links: DiagnosticsLinks) {}

  show({ checked: { diagnostics, models } }: Shown): void {
    if (diagnostics.length === 0) {
      const made = models.length === 0 ? 'No model is declared.' : `Models: ${models.join(', ')}.`;
      this.element.replaceChildren(element('p', { role: 'status' }, `No errors. ${made}`));
      return;
    }
    const items = diagnostics.slice(0, MOST_SHOWN).map((each) => this.#item(each));
    const rest = diagnostics.length - items.length;
    this.element.replaceChildren(
      element('ul', { class: 'findings' }, ...items),
      ...(rest > 0 ? [element('p', {}, `… and ${rest} more`)] : []),
    );
  }

  #item({ code, severity, message, span, expected, found, related, fixes }: Diagnostic): HTMLElement {
    const link = (place: Span, text: string): HTMLElement =>
      element('button', { type: 'button', class: 'hyb-link', onclick: () => this.links.open(place) }, text);
    const details = [
      ...(expected === undefined ? [] : [`expected: ${expected}`]),
      ...(found === undefined ? [] : [`found: ${found}`]),
    ];
    const page = element('a', { href: `../docs/errors/${code}.html` }, code);
    return element(
      'li',
      { class: severity },
      element('p', {}, element('strong', {}, severity), ' ', page, ' ', link(span, this.links.describe(span))),
      element('p', {}, message),
      ...(details.length === 0 ? [] : [element('p', { class: 'quiet' }, details.join('; '))]),
      ...related.map((r) => element('p', {}, link(r.span, this.links.describe(r.span)), ` ${r.message}`)),
      ...fixes.map((fix) =>
        element('button', { type: 'button', onclick: () => this.links.apply(fix) }, `Repair: ${fix.title}`),
      ),
    );
  }
}
