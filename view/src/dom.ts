/** Elements without a framework. Texts are set as text, never as HTML. */
export type Child = Node | string;

type Attributes = Readonly<Record<string, string | boolean | ((event: never) => void) | undefined>>;

/** `element('button', { class: 'x', onclick: … }, 'Text')`; `false` and `undefined` leave an attribute out. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') made.addEventListener(name.slice(2), value as (event: Event) => void);
    else if (value !== undefined && value !== false) made.setAttribute(name, value === true ? '' : value);
  }
  made.append(...children);
  return made;
}

/** A table; cells of columns in `numbers` stand right. */
export function table(
  caption: string,
  headings: readonly string[],
  rows: readonly (readonly Child[])[],
  numbers: ReadonlySet<number> = new Set(),
): HTMLElement {
  const classOf = (column: number): Attributes => (numbers.has(column) ? { class: 'number' } : {});
  const made = element(
    'table',
    {},
    element('caption', {}, caption),
    element(
      'thead',
      {},
      element('tr', {}, ...headings.map((h, i) => element('th', { scope: 'col', ...classOf(i) }, h))),
    ),
    element('tbody', {}, ...rows.map((row) => element('tr', {}, ...row.map((c, i) => element('td', classOf(i), c))))),
  );
  // Wide tables scroll by themselves, with the keyboard too.
  return element('div', { class: 'hyb-scroll', tabindex: '0', role: 'region', 'aria-label': caption }, made);
}
