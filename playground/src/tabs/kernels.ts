/** Fused groups: what each kernel computes and moves, and its text. */
import { element, table } from '@hyb/view';
import type { KernelTable, StageKernels } from '@hyb/compiler/inspect/index';
import { formatBytes, formatCount, formatScaled } from '@hyb/compiler/inspect/units';
import { amount, choice, controls, tick } from './controls.js';
import { ModelPane } from './model-pane.js';
import type { ShownModel } from './model-pane.js';

export class KernelsPane extends ModelPane {
  readonly id = 'kernels';
  readonly title = 'Kernels';
  readonly #mode = choice('For', [['decode', 'a token'] as const, ['prefill', 'a prompt'] as const], () =>
    this.again(),
  );
  readonly #context = amount('context', [1024, 1, 2 ** 20], () => this.again());
  readonly #fused = tick('fused', true, () => this.again());
  readonly #tables = element('div');
  readonly #text = element('div', { 'aria-live': 'polite' });
  #shown: string | undefined;

  protected async prepare(shown: ShownModel): Promise<() => void> {
    const { compiler, model } = shown;
    const mode = this.#mode.value() as 'decode' | 'prefill';
    const sizes = { context: this.#context.value(), sequences: 1 };
    const fused = this.#fused.value();
    const kernels = await compiler.ask('kernels', { model, mode, sizes, fused });
    return () => {
      if (this.body.childElementCount === 0) {
        const parts = [this.#mode.element, this.#context.element, this.#fused.element];
        this.body.append(controls(...parts), this.#tables, this.#text);
      }
      const open = (name: string): void => void this.#open(shown, name, fused);
      this.#tables.replaceChildren(summary(kernels), ...kernels.stages.map((s) => stageTable(s, open)));
      // A kernel that is open follows typing as all else does.
      if (this.#shown !== undefined) open(this.#shown);
    };
  }

  async #open({ compiler, model }: ShownModel, name: string, fused: boolean): Promise<void> {
    this.#shown = name;
    const scroll = this.#text.childElementCount === 0;
    const text = await compiler.ask('kernel', { model, name, fused }).catch(() => undefined);
    if (this.#shown !== name) return;
    this.#text.replaceChildren(
      ...(text === undefined
        ? []
        : [
            element('h3', { id: 'kernel-text' }, `${name}.wgsl`),
            element('pre', { tabindex: '0', 'aria-label': `WGSL of ${name}` }, text.wgsl),
            element('h3', {}, 'In the kernel language'),
            element('pre', { tabindex: '0', 'aria-label': `Kernel ${name}` }, text.kernel),
          ]),
    );
    if (scroll) this.#text.scrollIntoView({ block: 'nearest' });
  }
}

function summary({ dispatches, moved, minimum, operations, distinctKernels }: KernelTable): HTMLElement {
  return element(
    'p',
    {},
    `${formatCount(dispatches)} dispatches, ${formatBytes(moved.total)} moved, at least ${formatBytes(minimum.total)}, ` +
      `${formatScaled(operations, '')} operations; ${formatCount(distinctKernels)} distinct kernels in all programs`,
  );
}

function stageTable({ alias, instances, steps }: StageKernels, open: (kernel: string) => void): HTMLElement {
  return table(
    instances === 1 ? alias : `${alias} × ${formatCount(instances)}`,
    ['kernel', 'computes', 'weights', 'values', 'operations'],
    steps.map(({ kernel, label, moved, operations }) => [
      element('button', { type: 'button', class: 'hyb-link', onclick: () => open(kernel) }, kernel),
      label,
      formatBytes(moved.weights),
      formatBytes(moved.values),
      formatScaled(operations, ''),
    ]),
    new Set([2, 3, 4]),
  );
}
