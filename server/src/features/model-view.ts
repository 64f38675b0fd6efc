/** The models of a file as a picture shows them, for editors that draw them beside the text. */
import type { ModelView } from '@hyb/compiler/inspect/model-view';
import { modelViews as viewsOf } from '@hyb/compiler/query/model-views';
import type { Place } from '../workspace/workspace.js';

export interface ModelViews {
  /** Those without errors. */
  readonly models: readonly ModelView[];
  /** URIs of the files that places in the views speak of. */
  readonly uris: Readonly<Record<string, string>>;
}

/** @param kernels whether the models are planned too, which takes a second or so */
export function modelViews({ root, check }: Place, kernels: boolean): ModelViews {
  const files = [...check.project.files.keys()];
  return {
    models: viewsOf(check, kernels),
    uris: Object.fromEntries(files.map((file) => [file, root.uriOf(file)])),
  };
}
