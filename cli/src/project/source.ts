/** What a command is given: a .hyb file, or a Hugging Face folder, which is imported on the way. */
import { existsSync, statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import type { Checked, CheckedModel, SourceHost } from '@hyb/compiler';
import type { Diagnostic } from '@hyb/grammar';
import { diskHost } from '../files/host.js';
import { locate } from '../files/root.js';
import { hasErrors, jsonDiagnostics, printDiagnostics } from '../report/diagnostics.js';
import type { SourceTexts } from '../report/diagnostics.js';
import { CliError, EXIT, Exit } from '../terminal/errors.js';
import type { Io } from '../terminal/io.js';

export interface OpenedSource {
  readonly host: SourceHost;
  readonly entry: string;
  readonly texts: SourceTexts;
  /** As the user named it. */
  readonly name: string;
  /** The checkpoint's folder, absolute, if that is what was opened. */
  readonly folder?: string;
  /** The model that a checkpoint's folder is of, where it says so. */
  readonly model?: string;
}

export interface OpenOptions {
  readonly root?: string | undefined;
  readonly json?: boolean | undefined;
}

/** Opens a .hyb file, or the folder of a checkpoint. */
export async function openSource(io: Io, path: string, options: OpenOptions = {}): Promise<OpenedSource> {
  const absolute = resolve(io.cwd, path);
  if (!existsSync(absolute))
    throw new CliError(`There is no ${path.endsWith('.hyb') ? 'file' : 'file or folder'} ${path}.`);
  return statSync(absolute).isDirectory() ? openFolder(io, absolute, path, options) : openFile(io, path, options.root);
}

export function openFile(io: Io, path: string, root?: string): OpenedSource {
  const located = locate(path, io.cwd, root);
  const host = diskHost(located.root);
  return { host, entry: located.path, texts: (file) => host.texts.get(file), name: path };
}

async function openFolder(io: Io, absolute: string, name: string, { json }: OpenOptions): Promise<OpenedSource> {
  const [{ importFolder, openHybFolder }, { memoryHost }] = await Promise.all([
    import('./import-folder.js'),
    import('@hyb/compiler'),
  ]);
  const own = openHybFolder(absolute, name);
  if (own !== undefined) {
    const { host, entry, model } = own;
    return { host, entry, model, texts: (file) => host.texts.get(file), name, folder: absolute };
  }
  const imported = await importFolder(absolute, name);
  reportFindings(io, imported.diagnostics, imported.texts, json);
  if (imported.model === undefined) throw new Exit(EXIT.findings);
  const entry = `${basename(absolute)}.hyb`;
  const { source } = imported.model;
  return {
    host: memoryHost({ [entry]: source }),
    entry,
    texts: (file) => (file === entry ? source : undefined),
    name,
    folder: absolute,
  };
}

/** Checks a source; findings are printed, and errors end the command. */
export async function checkSource(
  io: Io,
  opened: OpenedSource,
  {
    model = opened.model,
    json,
    exact,
  }: { readonly model?: string | undefined; readonly json?: boolean | undefined; readonly exact?: boolean },
): Promise<Checked> {
  const { check } = await import('@hyb/compiler');
  const checked = check(opened.host, opened.entry, {
    ...(model === undefined ? {} : { model }),
    ...(exact === undefined ? {} : { exact }),
  });
  reportFindings(io, checked.diagnostics, opened.texts, json);
  if (hasErrors(checked.diagnostics)) throw new Exit(EXIT.findings);
  return checked;
}

/** The model that a command is about: the first of the file, or the one asked for, which checking has seen to. */
export function firstModel({ models, project }: Checked, opened: OpenedSource): CheckedModel {
  const [first] = models;
  if (first !== undefined) return first;
  const declared = project.entries.flatMap(({ syntax }) => syntax.declarations);
  const hint = declared.length === 0 ? undefined : 'It declares blocks, recipes or weight maps, which other files use.';
  throw new CliError(`${opened.name} declares no model.`, hint);
}

/** Tells of the models of a file that a command leaves aside. */
export function mentionOthers(io: Io, { models }: Checked): void {
  const others = models.slice(1).map(({ model }) => model.name);
  if (others.length > 0) {
    io.err(io.paintErr.dim(`The file also declares ${others.join(', ')}; --model takes one of them.\n`));
  }
}

/** Prints findings for people on `err`; with `json`, errors as JSON on `out`, so that there is always JSON there. */
export function reportFindings(io: Io, diagnostics: readonly Diagnostic[], texts: SourceTexts, json?: boolean): void {
  if (json && hasErrors(diagnostics)) {
    const list = jsonDiagnostics(diagnostics, texts);
    io.out(`${JSON.stringify({ ok: false, diagnostics: list }, null, 2)}\n`);
    return;
  }
  printDiagnostics(io, diagnostics, texts);
}
