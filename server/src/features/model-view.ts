/** The models of a file as a picture shows them, for editors that draw them beside the text. */
import { check, hasErrors, planModel } from '@hyb/compiler';
import { modelView } from '@hyb/compiler/inspect/model-view';
import type { ModelView } from '@hyb/compiler/inspect/model-view';
import { uriOf } from '../workspace/addresses.js';
import type { Place } from '../workspace/workspace.js';

export interface ModelViews {
  /** Those without errors. */
  readonly models: readonly ModelView[];
  /** URIs of the files that places in the views speak of. */
  readonly uris: Readonly<Record<string, string>>;
}

/** @param kernels whether the models are planned too, which takes a second or so */
export function modelViews({ root, path }: Place, kernels: boolean): ModelViews {
  // What the session keeps may know places from before the last edits; the picture leads to the source.
  const checked = check({ read: (file) => root.read(file), list: () => root.paths() }, path);
  const sound = !hasErrors(checked.diagnostics);
  const models = checked.models.map((each) => modelView(checked, each, kernels && sound ? planModel(each) : undefined));
  const files = [...checked.project.files.keys()];
  return { models, uris: Object.fromEntries(files.map((file) => [file, uriOf(file, root.uri)])) };
}
