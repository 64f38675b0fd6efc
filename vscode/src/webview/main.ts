/** The page of the model view. */
import { element, ModelPanel } from '@hyb/view';
import type { FromView, ToView } from './protocol.js';

interface Host {
  postMessage(message: FromView): void;
}
declare function acquireVsCodeApi(): Host;

const host = acquireVsCodeApi();
const panel = new ModelPanel({ onOpen: (place) => host.postMessage({ kind: 'open', place }) });
const choice = element('select', { 'aria-label': 'Model', onchange: () => draw() });
const note = element('p', { role: 'status' }, 'Open a .hyb file with a model.');
let models: (ToView & { kind: 'models' })['models'] = [];

document.body.append(note, choice, panel.element);
choice.hidden = panel.element.hidden = true;

addEventListener('message', ({ data }: MessageEvent<ToView>) => {
  switch (data.kind) {
    case 'models': {
      models = data.models;
      const chosen = choice.value;
      choice.replaceChildren(...models.map(({ model }) => element('option', { value: model }, model)));
      if (models.some(({ model }) => model === chosen)) choice.value = chosen;
      choice.hidden = models.length < 2;
      return draw();
    }
    case 'cursor':
      return panel.follow(data.file, data.offset);
  }
});
host.postMessage({ kind: 'ready' });

/** A model with errors keeps its last picture. */
function draw(): void {
  const view = models.find(({ model }) => model === choice.value) ?? models[0];
  note.textContent =
    view !== undefined
      ? ''
      : panel.element.hidden
        ? 'There is no model without errors in this file.'
        : 'The source has errors; this is the last model without.';
  if (view === undefined) return;
  panel.element.hidden = false;
  panel.show(view);
}
