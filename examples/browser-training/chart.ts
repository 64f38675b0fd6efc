/** The loss of each step, drawn while it comes, and the loss on held-out text. */
import type { StepMetrics } from '@hyb/runtime';
import './language.js';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

export interface LossChart {
  add(metrics: StepMetrics): void;
  /** All there is, in place of what was shown. */
  show(metrics: readonly StepMetrics[]): void;
}

export function lossChart(place: HTMLElement): LossChart {
  let shown: StepMetrics[] = [];
  const width = (): number => Math.max(280, place.clientWidth);
  const plot = new uPlot(
    {
      width: width(),
      height: 280,
      scales: { x: { time: false } },
      axes: [{ label: 'step' }, { label: 'loss (nats)', size: 60 }],
      series: [
        { label: 'step' },
        { label: 'loss', stroke: '#0b5cad', width: 1.5 },
        { label: 'held-out loss', stroke: '#b3152a', spanGaps: true, points: { show: true } },
      ],
    },
    [[], [], []],
    place,
  );
  addEventListener('resize', () => plot.setSize({ width: width(), height: 280 }));
  const draw = (): void => {
    plot.setData([
      shown.map(({ step }) => step),
      shown.map(({ loss }) => loss),
      shown.map(({ evaluation }) => evaluation?.loss ?? null),
    ]);
    const [first, last] = [shown[0], shown.at(-1)];
    place.ariaLabel =
      last === undefined || first === undefined
        ? 'Loss: no step yet'
        : `Loss: from ${first.loss.toFixed(3)} at step ${first.step} to ${last.loss.toFixed(3)} at step ${last.step}`;
  };
  return {
    add(metrics) {
      // A resumed run may come to a step again that was logged before its last checkpoint.
      shown = [...shown.filter(({ step }) => step < metrics.step), metrics];
      draw();
    },
    show(metrics) {
      shown = [...metrics];
      draw();
    },
  };
}
