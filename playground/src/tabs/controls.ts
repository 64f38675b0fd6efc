/** Labelled controls of panes. */
import { element } from '@hyb/view';

export function choice(
  label: string,
  options: readonly (readonly [value: string, text: string])[],
  changed: () => void,
): { readonly element: HTMLElement; value: () => string } {
  const select = element(
    'select',
    { onchange: changed },
    ...options.map(([value, text]) => element('option', { value }, text)),
  );
  return { element: element('label', {}, `${label} `, select), value: () => select.value };
}

export function tick(
  label: string,
  checked: boolean,
  changed: () => void,
): { readonly element: HTMLElement; value: () => boolean } {
  const box = element('input', { type: 'checkbox', checked, onchange: changed });
  return { element: element('label', {}, box, ` ${label}`), value: () => box.checked };
}

/** A whole number between two bounds; what is outside is brought inside. */
export function amount(
  label: string,
  [initial, least, most]: readonly [number, number, number],
  changed: () => void = () => {},
): { readonly element: HTMLElement; value: () => number; set: (value: number) => void } {
  const box = element('input', {
    type: 'number',
    value: String(initial),
    min: String(least),
    max: String(most),
    onchange: changed,
  });
  const value = (): number => {
    const given = Math.round(box.valueAsNumber);
    return Number.isFinite(given) ? Math.min(most, Math.max(least, given)) : initial;
  };
  return { element: element('label', {}, `${label} `, box), value, set: (next) => void (box.value = String(next)) };
}

export function controls(...parts: readonly (HTMLElement | string)[]): HTMLElement {
  return element('div', { class: 'controls' }, ...parts);
}
