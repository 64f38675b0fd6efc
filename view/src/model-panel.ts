/** The strip of a model's layers, and under it what the chosen layer is made of. */
import { drawStrip, STRIPE_WIDTH } from '@hyb/compiler/inspect/layer-strip';
import type { KindView, LayerView, ModelView } from '@hyb/compiler/inspect/model-view';
import { formatBytes, formatCount } from '@hyb/compiler/inspect/units';
import type { Span } from '@hyb/grammar';
import { element, table } from './dom.js';

export interface ModelPanelOptions {
  /** The user asked for a place in the source. */
  readonly onOpen: (place: Span) => void;
}

/** What is drawn is one model at a time; the choice of a layer outlives changes of the model. */
export class ModelPanel {
  readonly element = element('div', { class: 'hyb-model' });
  readonly #summary = element('p', { class: 'hyb-summary' });
  readonly #strip = element('div', { class: 'hyb-strip' });
  readonly #details = element('div', { class: 'hyb-details', 'aria-live': 'polite' });
  readonly #observer: ResizeObserver;
  #view: ModelView | undefined;
  /** Index into the view's layers. */
  #chosen = 1;
  #perRow = 0;

  constructor(readonly options: ModelPanelOptions) {
    this.element.append(this.#summary, this.#strip, this.#details);
    this.#strip.addEventListener('click', (event) => this.#clicked(event));
    this.#strip.addEventListener('keydown', (event) => this.#pressed(event));
    this.#observer = new ResizeObserver(() => this.#fit());
    this.#observer.observe(this.element);
  }

  show(view: ModelView): void {
    this.#view = view;
    this.#chosen = Math.min(this.#chosen, view.layers.length - 1);
    const state = [
      ...(view.stateBytesPerSequence > 0 ? [`${formatBytes(view.stateBytesPerSequence)} a sequence`] : []),
      ...(view.stateBytesPerToken > 0 ? [`${formatBytes(view.stateBytesPerToken)} a token`] : []),
    ];
    const layers = view.layers.filter(({ index }) => index !== null).length;
    this.#summary.replaceChildren(
      element('strong', {}, view.model),
      `: ${layers === 1 ? '1 layer' : `${formatCount(layers)} layers`}, ${formatCount(view.parameters)} parameters`,
      state.length > 0 ? `; state ${state.join(' and ')}` : '',
    );
    this.#summary.append(element('br'), element('code', {}, view.pattern));
    this.#draw();
    this.#detail();
  }

  /** Marks the layer that a place of the source stands for; of layers that are written in one place, the one that was chosen. */
  follow(file: string, offset: number): void {
    const holds = ({ place }: LayerView): boolean =>
      place.file === file && place.start <= offset && offset <= place.end;
    const layers = this.#view?.layers ?? [];
    const chosen = layers[this.#chosen];
    if (chosen !== undefined && chosen.index !== null && holds(chosen)) return;
    const at = layers.findIndex((layer) => layer.index !== null && holds(layer));
    if (at >= 0) this.choose(at);
  }

  /** Marks a layer without leaving the editor. */
  choose(layer: number): void {
    if (this.#view === undefined || layer === this.#chosen || this.#view.layers[layer] === undefined) return;
    this.#chosen = layer;
    this.#mark();
    this.#detail();
  }

  dispose(): void {
    this.#observer.disconnect();
    this.element.remove();
  }

  #fit(): void {
    const perRow = Math.max(8, Math.floor((this.element.clientWidth - 20) / STRIPE_WIDTH));
    if (perRow !== this.#perRow) {
      this.#perRow = perRow;
      this.#draw();
    }
  }

  #draw(): void {
    if (this.#view === undefined) return;
    const { model, layers } = this.#view;
    const focused = this.#strip.contains(document.activeElement);
    const title = `Layers of ${model}`;
    const stripes = layers.map((layer) => ({
      alias: layer.alias,
      title: titleOf(layer),
      end: layer.index === null,
    }));
    // The strip's texts are escaped where it is drawn.
    this.#strip.innerHTML = drawStrip(title, stripes, {
      selectable: true,
      ...(this.#perRow > 0 ? { perRow: this.#perRow } : {}),
    });
    this.#mark();
    if (focused) this.#stripe(this.#chosen)?.focus();
  }

  #stripe(index: number): SVGElement | undefined {
    return this.#strip.querySelector<SVGElement>(`[data-stripe="${index}"]`) ?? undefined;
  }

  #mark(): void {
    for (const stripe of this.#strip.querySelectorAll('[data-stripe]')) {
      const chosen = stripe === this.#stripe(this.#chosen);
      stripe.setAttribute('aria-selected', String(chosen));
      stripe.setAttribute('tabindex', chosen ? '0' : '-1');
    }
  }

  #clicked(event: Event): void {
    const index = stripeOf(event.target);
    if (index === undefined) return;
    this.choose(index);
    this.#open();
  }

  #open(): void {
    const layer = this.#view?.layers[this.#chosen];
    if (layer !== undefined) this.options.onOpen(layer.place);
  }

  #pressed(event: KeyboardEvent): void {
    const last = (this.#view?.layers.length ?? 1) - 1;
    const moves: Readonly<Record<string, number>> = {
      ArrowLeft: this.#chosen - 1,
      ArrowRight: this.#chosen + 1,
      ArrowUp: this.#chosen - this.#perRow,
      ArrowDown: this.#chosen + this.#perRow,
      Home: 0,
      End: last,
    };
    if (event.key === 'Enter' || event.key === ' ') this.#open();
    else if (moves[event.key] !== undefined) {
      this.choose(Math.min(last, Math.max(0, moves[event.key]!)));
      this.#stripe(this.#chosen)?.focus();
    } else return;
    event.preventDefault();
  }

  #detail(): void {
    const view = this.#view!;
    const layer = view.layers[this.#chosen]!;
    const kind = view.kinds[layer.kind]!;
    const same = view.layers.filter((l) => l.kind === layer.kind).length;
    this.#details.replaceChildren(
      element('h3', {}, titleOf(layer)),
      element(
        'p',
        {},
        same > 1 ? `${same} layers are alike. ` : '',
        layer.sharedWith === null ? '' : `It has the weights of layer ${layer.sharedWith}. `,
        ...this.#links(layer, kind),
      ),
      ...tablesOf(kind),
    );
  }

  #links(layer: LayerView, kind: KindView): readonly Node[] {
    const places = [
      ['place in the pattern', layer.index === null ? null : layer.place],
      [`${kind.alias} = ${kind.block}`, kind.place],
      [`declaration of ${kind.block}`, kind.declaration],
    ] as const;
    return places.flatMap(([text, place]) => {
      if (place === null) return [];
      const open = (): void => this.options.onOpen(place);
      return [
        element('button', { type: 'button', class: 'hyb-link', onclick: open }, text),
        document.createTextNode(' '),
      ];
    });
  }
}

function stripeOf(target: EventTarget | null): number | undefined {
  const stripe = target instanceof Element ? target.closest('[data-stripe]') : null;
  return stripe === null ? undefined : Number(stripe.getAttribute('data-stripe'));
}

function titleOf({ index, alias, block, parameters, stateBytesPerSequence, stateBytesPerToken }: LayerView): string {
  const name = index === null ? alias : `layer ${index}: ${alias}${block === alias ? '' : ` (${block})`}`;
  const state = [
    ...(stateBytesPerSequence > 0 ? [`${formatBytes(stateBytesPerSequence)} of state a sequence`] : []),
    ...(stateBytesPerToken > 0 ? [`${formatBytes(stateBytesPerToken)} of state a token`] : []),
  ];
  return [name, `${formatCount(parameters)} parameters`, ...state].join(', ');
}

const shapeText = (shape: readonly number[]): string => `[${shape.map(formatCount).join(', ')}]`;

function tablesOf({ parameters, states, values, kernels }: KindView): readonly HTMLElement[] {
  const code = (text: string): HTMLElement => element('code', {}, text);
  const sections = [
    ['Parameters', ['name', 'shape', 'type'], parameters.map((p) => [code(p.path), shapeText(p.shape), p.dtype])],
    ['State', ['name', 'shape', 'per'], states.map((s) => [code(s.name), shapeText(s.shape), s.per])],
    ['Values', ['name', 'shape', 'type'], values.map((v) => [code(v.name), v.shape, v.dtype])],
    ...(['decode', 'prefill'] as const).map(
      (mode) =>
        [
          mode === 'decode' ? 'Kernels for a token' : 'Kernels for a prompt',
          ['kernel', 'computes'],
          (kernels?.[mode] ?? []).map((k) => [code(k.kernel), k.computes]),
        ] as const,
    ),
  ] as const;
  return sections.filter(([, , rows]) => rows.length > 0).map(([caption, heads, rows]) => table(caption, heads, rows));
}
