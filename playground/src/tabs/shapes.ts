/** Every tensor's shape and type: parameters, states, and what each kind of layer computes. */
import { element, table } from '@hyb/view';
import { formatCount } from '@hyb/compiler/inspect/units';
import type { GraphTensors, TensorTable, ValueTensor } from '@hyb/compiler/inspect/index';
import { controls, tick } from './controls.js';
import { ModelPane } from './model-pane.js';
import type { ShownModel } from './model-pane.js';

/** A page with more rows is of no use to anybody, and slow. */
const MOST_ROWS = 400;

export class ShapesPane extends ModelPane {
  readonly id = 'shapes';
  readonly title = 'Shapes';
  readonly #views = tick('views too (the same elements under other dimensions)', false, () => this.again());
  readonly #tables = element('div');

  protected async prepare({ compiler, model }: ShownModel): Promise<() => void> {
    const tensors = await compiler.ask('shapes', { model });
    return () => {
      if (this.body.childElementCount === 0) this.body.append(controls(this.#views.element), this.#tables);
      this.#tables.replaceChildren(...tables(tensors, this.#views.value()));
    };
  }
}

const shapeText = (shape: readonly number[]): string => `[${shape.map(formatCount).join(', ')}]`;
const code = (text: string): HTMLElement => element('code', {}, text);

function dimsText({ dims }: ValueTensor): string {
  return `[${dims.map((d) => (d.extent === 'time' ? 'time' : `${d.name}: ${formatCount(d.extent)}`)).join(', ')}]`;
}

function tables({ parameters, states, graphs }: TensorTable, views: boolean): readonly HTMLElement[] {
  const values = (graph: GraphTensors): HTMLElement => {
    const layers = graph.layers.length === 1 ? graph.layers[0]! : `${graph.layers.length} layers`;
    return table(
      `Values in ${graph.graph} (${layers})`,
      ['name', 'op', 'type', 'shape'],
      graph.values
        .filter((v) => views || !v.view)
        .map((v) => [code(v.name ?? ''), v.roundsTo === null ? v.op : `round to ${v.roundsTo}`, v.dtype, dimsText(v)]),
    );
  };
  const more = (rows: readonly unknown[]): string => (rows.length > MOST_ROWS ? `, the first ${MOST_ROWS}` : '');
  const heads = ['name', 'type', 'shape'];
  return [
    ...graphs.map(values),
    table(
      `Decode state, per sequence or per token${more(states)}`,
      heads,
      states.slice(0, MOST_ROWS).map((s) => [code(s.id), `${s.dtype} per ${s.kind}`, shapeText(s.shape)]),
    ),
    table(
      `Parameters, as stored by default${more(parameters)}`,
      heads,
      parameters.slice(0, MOST_ROWS).map((p) => [code(p.path), p.dtype, shapeText(p.shape)]),
    ),
  ];
}
