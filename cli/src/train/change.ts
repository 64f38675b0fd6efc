/** Changes of a recipe from the command line, written as what they are: a derived recipe. */
import { basename } from 'node:path';
import type { SourceHost } from '@hyb/compiler';
import { libraryNames } from '@hyb/compiler/sources/library';
import { parse } from '@hyb/grammar';
import type { OpenedSource } from '../project/source.js';
import { CliError } from '../terminal/errors.js';

/** `rate = 1e-3`; fields of the model begin with `model.`. */
export interface Change {
  readonly field: string;
  readonly value: string;
}

const FIELD = /^[A-Za-z_][\w.[\]]*$/;

/** @throws CliError for what is no `field=value` */
export function parseChange(text: string): Change {
  const at = text.indexOf('=');
  const [field, value] = [text.slice(0, at).trim(), text.slice(at + 1).trim()];
  if (at < 1 || !FIELD.test(field) || value === '') {
    throw new CliError(
      `--set ${text} is no change of a field.`,
      'Write it as in the recipe: --set rate=1e-3, --set "optimizer = SGD", --set model.width=64.',
    );
  }
  return { field, value };
}

/** What declares recipes and models in a file, by name. */
interface Declared {
  readonly recipes: readonly string[];
  readonly modelOf: (recipe: string) => string | undefined;
  /** Of everything. */
  readonly names: ReadonlySet<string>;
}

/**
 * The source with a recipe derived by the changes, or as it is without any. The recipe keeps its name, but for a file of its own:
 * findings point into a file that is called `--set`.
 */
export function applyChanges(
  opened: OpenedSource,
  recipe: string | undefined,
  changes: readonly Change[],
): { readonly opened: OpenedSource; readonly recipe: string } {
  const text = opened.host.read(opened.entry) ?? '';
  const found = declared(text, opened.entry);
  const { recipes } = found;
  const name = recipe ?? recipes[0];
  if (name === undefined) {
    throw new CliError(
      `${opened.name} declares no recipe.`,
      'A recipe says how a model is trained: train Run of Model { batch = 8, steps = 100, rate = 1e-3 }',
    );
  }
  if (!recipes.includes(name)) {
    const hint = recipes.length === 0 ? 'It declares none.' : `It has ${recipes.join(', ')}.`;
    throw new CliError(`${opened.name} has no recipe ${name}.`, hint);
  }
  if (changes.length === 0) return { opened, recipe: name };
  const folder = opened.entry.split('/').slice(0, -1);
  const entry = [...folder, '--set.hyb'].join('/');
  const source = derivation(basename(opened.entry), name, found, changes);
  const host: SourceHost = {
    read: (path) => (path === entry ? source : opened.host.read(path)),
    ...(opened.host.list === undefined ? {} : { list: () => opened.host.list!() }),
  };
  const texts = (file: string): string | undefined => (file === entry ? source : opened.texts(file));
  return { opened: { ...opened, host, entry, texts }, recipe: 'Changed' };
}

function derivation(file: string, recipe: string, { modelOf, names }: Declared, changes: readonly Change[]): string {
  const model = modelOf(recipe);
  const ofModel = changes.filter(({ field }) => field.startsWith('model.'));
  const ofRecipe = changes.filter((change) => !ofModel.includes(change));
  if (ofModel.length > 0 && model === undefined) {
    throw new CliError(
      `The model of ${recipe} is not named where the recipe is declared.`,
      'Write `train NAME of MODEL …` there, to change the model from here.',
    );
  }
  const fields = (list: readonly Change[], strip: number): string[] =>
    list.map(({ field, value }) => `  ${field.slice(strip)} = ${value}`);
  // Values may name blocks and norms, of the library or of the file.
  const words = new Set(changes.flatMap(({ value }) => value.match(/[A-Za-z_]\w*/g) ?? []));
  const library = [...words].filter((word) => !names.has(word) && libraryNames().includes(word));
  const own = new Set([
    recipe,
    ...(ofModel.length > 0 ? [model!] : []),
    ...[...words].filter((word) => names.has(word)),
  ]);
  const lines = [`use "./${file}".{${[...own].join(', ')}}`];
  if (library.length > 0) lines.push(`use std.{${library.join(', ')}}`);
  if (ofModel.length > 0) lines.push(`model ChangedModel = ${model} with {`, ...fields(ofModel, 'model.'.length), '}');
  lines.push(
    `train Changed${ofModel.length > 0 ? ' of ChangedModel' : ''} = ${recipe} with {`,
    ...fields(ofRecipe, 0),
    '}',
  );
  return `${lines.join('\n')}\n`;
}

function declared(text: string, path: string): Declared {
  const { file } = parse(text, path);
  const recipes = file.declarations.filter((declaration) => declaration.kind === 'TrainDeclaration');
  const modelOf = (name: string): string | undefined => {
    const found = recipes.find((declaration) => declaration.name.text === name);
    if (found === undefined) return undefined;
    return found.of?.text ?? (found.base === undefined ? undefined : modelOf(found.base.text));
  };
  const names = new Set(file.declarations.map(({ name }) => name.text));
  return { recipes: recipes.map(({ name }) => name.text), modelOf, names };
}
