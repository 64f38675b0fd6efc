/** Light or dark: as the system says, until somebody chooses. */
import { element } from '@hyb/view';

const KEPT = 'hyb.theme';

export function themeButton(): HTMLElement {
  const made = element('button', { type: 'button', onclick: () => apply(dark() ? 'light' : 'dark', true) });
  apply(stored());
  return made;

  function apply(theme: string | undefined, keep = false): void {
    if (theme !== undefined) document.documentElement.dataset['theme'] = theme;
    made.textContent = dark() ? 'Light' : 'Dark';
    made.setAttribute('aria-label', dark() ? 'Light colours' : 'Dark colours');
    if (!keep || theme === undefined) return;
    try {
      localStorage.setItem(KEPT, theme);
    } catch {
      // Then the choice lasts as long as the page.
    }
  }
}

function dark(): boolean {
  const { theme } = document.documentElement.dataset;
  return theme === undefined ? matchMedia('(prefers-color-scheme: dark)').matches : theme === 'dark';
}

function stored(): string | undefined {
  try {
    const theme = localStorage.getItem(KEPT);
    return theme === 'dark' || theme === 'light' ? theme : undefined;
  } catch {
    return undefined;
  }
}
