/** The loss of each step, drawn while it comes. Loaded when somebody trains. */
import { element } from '@hyb/view';
import './language.js';
import uPlot from 'uplot';
import type { StepEvent } from '../run/protocol.js';

const HEIGHT = 260;

export class LossChart {
  readonly element = element('div', { class: 'chart', role: 'img' });
  #steps: readonly StepEvent[] = [];
  #plot: uPlot | undefined;
  #waiting = false;

  constructor() {
    new ResizeObserver(() => this.#plot?.setSize({ width: this.#width, height: HEIGHT })).observe(this.element);
    this.clear();
  }

  get #width(): number {
    return Math.max(240, this.element.clientWidth);
  }

  clear(): void {
    this.#steps = [];
    this.#draw();
  }

  add(step: StepEvent): void {
    this.#steps = [...this.#steps, step];
    // Fast devices take more steps than screens have frames.
    if (this.#waiting) return;
    this.#waiting = true;
    requestAnimationFrame(() => {
      this.#waiting = false;
      this.#draw();
    });
  }

  #draw(): void {
    const steps = this.#steps;
    const [first, last] = [steps[0], steps.at(-1)];
    this.element.ariaLabel =
      first === undefined || last === undefined
        ? 'Loss: no step yet'
        : `Loss: from ${first.loss.toFixed(3)} at step ${first.step} to ${last.loss.toFixed(3)} at step ${last.step}`;
    this.#plot ??= this.#make();
    this.#plot.setData([
      steps.map(({ step }) => step),
      steps.map(({ loss }) => loss),
      steps.map(({ heldOut }) => heldOut),
    ]);
  }

  #make(): uPlot {
    // A canvas knows neither variables nor colour schemes; these lines stand out on light and on dark.
    const axis = { stroke: () => getComputedStyle(this.element).color, grid: { stroke: '#8884' } };
    return new uPlot(
      {
        width: this.#width,
        height: HEIGHT,
        scales: { x: { time: false } },
        axes: [
          { ...axis, label: 'step' },
          { ...axis, label: 'loss (nats)', size: 60 },
        ],
        series: [
          { label: 'step' },
          { label: 'loss', stroke: '#2f81d6', width: 1.5 },
          {
            label: 'held-out loss',
            stroke: '#c2500c',
            spanGaps: true,
            points: { show: true },
          },
        ],
      },
      [[], [], []],
      this.element,
    );
  }
}
