/**
 * Pictures of the models of a file that is being edited. What a session keeps may know places from before the last edits, while a
 * picture leads to the source: so a model that has changed is traced for it anew, and the places of one that has not are moved.
 */
import type { Span } from '@hyb/grammar';
import { checkModel, hasErrors, planModel } from '../compile.js';
import type { CheckedModel } from '../compile.js';
import { Diagnostics } from '../diagnostics/collector.js';
import { modelView } from '../inspect/model-view.js';
import type { ModelView } from '../inspect/model-view.js';
import { resolveModel } from '../resolve/resolve-model.js';
import type { Project } from '../sources/project.js';
import { anchor, locate } from './anchors.js';
import type { AnchoredSpan } from './anchors.js';
import type { SessionCheck, SessionModel } from './session.js';

interface Drawn {
  readonly view: ModelView;
  readonly hasKernels: boolean;
  /** The view's places in the order in which `withPlaces` meets them. */
  readonly places: readonly AnchoredSpan[];
}

/** By what the session has of a model, which is another object once the model, or what it is made of, says something else. */
const drawn = new WeakMap<CheckedModel, Drawn>();

/**
 * The models without errors, in the order of the source.
 *
 * @param kernels whether the models are planned too, which takes a second or so; in a file with errors none is
 */
export function modelViews(check: SessionCheck, kernels = false): readonly ModelView[] {
  const planned = kernels && !hasErrors(check.diagnostics);
  return check.models.flatMap((each) => viewOf(each, check.project, planned) ?? []);
}

function viewOf({ declaration, checked }: SessionModel, project: Project, kernels: boolean): ModelView | undefined {
  if (checked === undefined) return undefined;
  const known = drawn.get(checked);
  if (known !== undefined && (known.hasKernels || !kernels)) {
    const view = moved(known, project);
    if (view !== undefined) return view;
  }
  const { scope } = project.files.get(declaration.span.file)!;
  const model = resolveModel({ declaration, scope }, new Diagnostics());
  const anew = model === undefined ? undefined : checkModel(model).checked;
  if (anew === undefined) return undefined;
  const view = modelView({ project }, anew, kernels ? planModel(anew) : undefined);
  const places: AnchoredSpan[] = [];
  withPlaces(view, (span) => {
    places.push(anchor(span, project.files));
    return span;
  });
  drawn.set(checked, { view, hasKernels: kernels, places });
  return view;
}

/** The view where its declarations stand now; undefined where one of them is gone. */
function moved({ view, places }: Drawn, { files }: Project): ModelView | undefined {
  const now = places.map((place) => locate(place, files));
  if (now.includes(undefined)) return undefined;
  let next = 0;
  return withPlaces(view, () => now[next++]!);
}

function withPlaces(view: ModelView, change: (place: Span) => Span): ModelView {
  const maybe = (place: Span | null): Span | null => (place === null ? null : change(place));
  return {
    ...view,
    place: change(view.place),
    layers: view.layers.map((layer) => ({ ...layer, place: change(layer.place) })),
    kinds: view.kinds.map((kind) => ({
      ...kind,
      place: maybe(kind.place),
      declaration: maybe(kind.declaration),
      values: kind.values.map((value) => ({ ...value, place: maybe(value.place) })),
    })),
  };
}
