/** The page: an editor, the compiler's views of what it holds, and the buttons above both. */
import { element } from '@hyb/view';
import type { Span } from '@hyb/grammar';
import { messageOf } from '@hyb/runtime/messages';
import { first, paths } from 'playground:example-list';
import { CompilerClient } from './compiler/client.js';
import type { Checked } from './compiler/protocol.js';
import { Editor, reader } from './editor/editor.js';
import { fromFragment, toFragment } from './share/fragment.js';
import type { Shared } from './share/fragment.js';
import { CostsPane } from './tabs/costs.js';
import { DiagnosticsPane } from './tabs/diagnostics.js';
import { KernelsPane } from './tabs/kernels.js';
import { LayersPane } from './tabs/layers.js';
import type { Pane } from './tabs/pane.js';
import { RunPane } from './run/run-pane.js';
import { ShapesPane } from './tabs/shapes.js';
import { StagesPane } from './tabs/stages.js';
import { TabBar } from './tabs/tab-bar.js';
import { themeButton } from './theme-button.js';

const KEPT = 'hyb.playground';
/** Long enough that a word is not checked letter by letter, short enough that nobody waits. */
const PAUSE = 120;

const compiler = new CompilerClient();
let { path, text } = start();
let checked: Checked = { diagnostics: [], models: [], view: null, recipes: {} };
let timer: ReturnType<typeof setTimeout> | undefined;
let turn = 0;

function start(): Shared {
  return fromFragment(location.hash) ?? kept() ?? first;
}

/** What was in the editor when the page was last left. */
function kept(): Shared | undefined {
  try {
    return fromFragment(localStorage.getItem(KEPT) ?? '');
  } catch {
    // Storage may be forbidden.
    return undefined;
  }
}

function keep(): void {
  try {
    localStorage.setItem(KEPT, toFragment({ path, text }));
  } catch {
    // Forbidden or full: the page works without.
  }
}

const status = element('p', { role: 'status', class: 'status' });
const models = element('select', { onchange: () => void refresh() });
const modelLabel = element('label', { hidden: true }, 'Model ', models);
/** What the package does besides inference. */
const recipes = element('select', {});
const recipeLabel = element('label', { hidden: true }, 'Package ', recipes);
const examples = element(
  'select',
  { onchange: () => void openExample(examples.value) },
  element('option', { value: '' }, 'Load an example …'),
  ...paths.map((each) => element('option', { value: each }, each)),
);
const button = (label: string, act: () => Promise<void>): HTMLElement =>
  element('button', { type: 'button', onclick: () => void act().catch(failed) }, label);

const place = element('div', { class: 'source' });
const editor = new Editor(place, text, { changed, cursor: (offset) => layers.cursor(path, offset) });
const others = element('div', { class: 'other', hidden: true });
place.append(others);

const links = { open: (span: Span): void => void open(span).catch(failed) };
const layers = new LayersPane(links);
const diagnostics = new DiagnosticsPane({
  ...links,
  apply: (fix) => editor.apply(path, fix),
  describe: ({ file, start: at }) => {
    if (file !== path) return file;
    const line = editor.view.state.doc.lineAt(Math.min(at, editor.view.state.doc.length));
    return `${line.number}:${at - line.from + 1}`;
  },
});
const panes: readonly Pane[] = [
  diagnostics,
  layers,
  new ShapesPane(),
  new StagesPane(),
  new KernelsPane(),
  new CostsPane(),
  new RunPane(),
];
const tabs = new TabBar(
  panes.map(({ id, title, element: panel }) => ({ id, title, panel })),
  'layers',
  () => void refresh(),
);

document.body.append(
  element(
    'header',
    {},
    element('h1', {}, element('a', { href: '../' }, 'Hyb'), ' playground'),
    element('label', { class: 'hidden-label' }, element('span', {}, 'Example'), examples),
    modelLabel,
    button('Format', async () => editor.replace(await compiler.ask('format', { text: editor.text }))),
    button('Share', share),
    recipeLabel,
    button('Download package', downloadPackage),
    themeButton(),
    status,
  ),
  element('main', {}, place, element('div', { class: 'views' }, tabs.bar, tabs.panels)),
);
addEventListener('hashchange', () => {
  const shared = fromFragment(location.hash);
  if (shared !== undefined) show(shared);
  else tellBrokenLink();
});
void check().then(connect).catch(failed);
if (fromFragment(location.hash) === undefined) tellBrokenLink();

function tellBrokenLink(): void {
  if (!location.hash.startsWith('#code=')) return;
  status.textContent = 'The link holds no source that can be read: it may have been cut. Nothing was loaded from it.';
}

/** The language server comes after the first picture: nobody hovers before they see something. */
async function connect(): Promise<void> {
  const [{ connectServer }, { exampleTexts }] = await Promise.all([
    import('./editor/server.js'),
    import('./examples.js'),
  ]);
  const show = async (file: string, line: number, character: number): Promise<void> => {
    const given = file === path ? editor.text : await compiler.ask('file', { path: file });
    if (given === null) return;
    const start = given.split('\n').slice(0, line).join('\n').length + (line > 0 ? 1 : 0) + character;
    await open({ file, start, end: start });
  };
  const connected = path;
  const extension = await connectServer({
    path,
    others: exampleTexts,
    open: (...place) => void show(...place).catch(failed),
  });
  if (connected === path) editor.connect(extension);
}

function changed(next: string): void {
  text = next;
  status.textContent = '';
  clearTimeout(timer);
  timer = setTimeout(() => void check().catch(failed), PAUSE);
}

async function check(): Promise<void> {
  const mine = ++turn;
  const given = text;
  const answer = await compiler.ask('check', {
    path,
    text: given,
    ...(models.value === '' ? {} : { model: models.value }),
  });
  if (mine !== turn) return;
  checked = answer;
  if (given === text) editor.mark(path, checked.diagnostics);
  tabs.badge('diagnostics', checked.diagnostics.length);
  listModels();
  keep();
  await refresh();
}

function listModels(): void {
  const chosen = models.value;
  models.replaceChildren(...checked.models.map((name) => element('option', { value: name }, name)));
  if (checked.models.includes(chosen)) models.value = chosen;
  modelLabel.hidden = checked.models.length < 2;
}

function chosenModel(): string | undefined {
  return checked.models.includes(models.value) ? models.value : checked.models[0];
}

function listRecipes(model: string | undefined): void {
  const names = model === undefined ? [] : (checked.recipes[model] ?? []);
  const chosen = recipes.value;
  recipes.replaceChildren(
    element('option', { value: '' }, 'for inference'),
    ...names.map((name) => element('option', { value: name }, `that trains by ${name}`)),
  );
  if (names.includes(chosen)) recipes.value = chosen;
  recipeLabel.hidden = names.length === 0;
}

/** Shows the chosen tab anew. */
async function refresh(): Promise<void> {
  const pane = panes.find(({ id }) => id === tabs.chosen)!;
  const model = chosenModel();
  listRecipes(model);
  await pane.show({ compiler, checked, model });
}

function show(shared: Shared): void {
  if (path !== shared.path) {
    path = shared.path;
    editor.connect([]);
    void connect().catch(failed);
  }
  others.hidden = true;
  models.replaceChildren();
  editor.replace(shared.text);
  // The same text under another path reads other files.
  changed(shared.text);
}

async function openExample(chosen: string): Promise<void> {
  if (chosen === '') return;
  examples.value = '';
  const given = await compiler.ask('file', { path: chosen });
  if (given !== null) {
    history.replaceState(null, '', location.pathname);
    show({ path: chosen, text: given });
    editor.view.focus();
  }
}

async function open({ file, start: from, end }: Span): Promise<void> {
  if (file === path) {
    others.hidden = true;
    editor.select(from, end);
    return;
  }
  const other = await compiler.ask('file', { path: file });
  if (other === null) return;
  const back = element(
    'button',
    {
      type: 'button',
      onclick: () => {
        others.hidden = true;
        editor.view.focus();
      },
    },
    `Back to ${path}`,
  );
  const shown = element('div', { class: 'reader' });
  const name = `${file} (to read only)`;
  others.replaceChildren(element('p', {}, back, ' ', name), shown);
  others.hidden = false;
  reader(shown, other, name, from, end);
}

async function share(): Promise<void> {
  const fragment = toFragment({ path, text: editor.text });
  history.replaceState(null, '', fragment);
  try {
    await navigator.clipboard.writeText(location.href);
    status.textContent = 'The link was copied; it holds the whole source.';
  } catch {
    status.textContent = 'The link stands in the address bar; it holds the whole source.';
  }
}

async function downloadPackage(): Promise<void> {
  const model = chosenModel();
  if (model === undefined) {
    status.textContent = 'There is no model without errors to make a package of.';
    return;
  }
  status.textContent = 'Making the package';
  const [files, { download, zip }] = await Promise.all([
    compiler.ask('package', { model, ...(recipes.value === '' ? {} : { recipe: recipes.value }) }),
    import('./share/download.js'),
  ]);
  const { name } = JSON.parse(files['package.json']!) as { name: string };
  download(`${name}.zip`, zip(name, files));
  status.textContent = `${name}.zip was made: ${Object.keys(files).length} files.`;
}

function failed(error: unknown): void {
  status.textContent = messageOf(error);
}
