import { existsSync, statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { check, memoryHost, parameterCount } from '@hyb/compiler';
import type { WeightMap } from '@hyb/compiler';
import { format } from '@hyb/grammar';
import type { TensorEntry } from '@hyb/runtime';
import { writeText } from '../files/write.js';
import { onlySource } from '../project/hyb-folder.js';
import type { HybFolder } from '../project/hyb-folder.js';
import { importFolder, openHybFolder } from '../project/import-folder.js';
import { hasErrors, printDiagnostics } from '../report/diagnostics.js';
import { reportFindings } from '../project/source.js';
import { formatCount } from '@hyb/compiler/inspect/units';
import { CliError, EXIT } from '../terminal/errors.js';
import type { Io } from '../terminal/io.js';

export interface ImportOptions {
  readonly output?: string;
  readonly name?: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

export async function importFolderTo(io: Io, folder: string, options: ImportOptions): Promise<number> {
  const { output, name, force, json } = options;
  const absolute = resolve(io.cwd, folder);
  if (!existsSync(absolute) || !statSync(absolute).isDirectory()) throw new CliError(`There is no folder ${folder}.`);
  const target = output ?? `${basename(absolute)}.hyb`;
  if (target !== '-' && !force && existsSync(resolve(io.cwd, target))) {
    throw new CliError(`${target} is there already.`, 'Name another file with -o, or replace it with --force.');
  }
  const own = openHybFolder(absolute, folder);
  if (own !== undefined) return writeOwn(io, own, folder, target, json);
  const { model, diagnostics, texts, tensors } = await importFolder(absolute, folder, name);
  reportFindings(io, diagnostics, texts, json);
  if (model === undefined) return EXIT.findings;

  const file = 'imported.hyb';
  const checked = check(memoryHost({ [file]: model.source }), file);
  if (hasErrors(checked.diagnostics)) {
    // Something that the configuration's own checks have let through, such as sizes that do not fit.
    printDiagnostics(io, checked.diagnostics, (asked) => (asked === file ? model.source : undefined));
    return EXIT.findings;
  }
  const { graph, weightMap } = checked.models[0]!;
  const differences = tensors === undefined || weightMap === undefined ? [] : compareTensors(weightMap, tensors);

  const source = await format(model.source, { file: target });
  if (target !== '-') await writeText(resolve(io.cwd, target), source);
  if (json) {
    const found = {
      ok: differences.length === 0,
      model: model.name,
      file: target === '-' ? null : target,
      ...(target === '-' ? { source } : {}),
      parameters: parameterCount(graph),
      tensors: tensors?.size ?? null,
      differences,
    };
    io.out(`${JSON.stringify(found, null, 2)}\n`);
  } else if (target === '-') {
    io.out(source);
  } else {
    const checked = tensors === undefined ? '' : `, ${formatCount(tensors.size)} tensors`;
    const count = formatCount(parameterCount(graph));
    io.out(`${io.paint.green('✓')} ${target}: ${model.name}, ${count} parameters${checked}\n`);
    if (tensors === undefined) {
      io.err(io.paintErr.dim('The folder holds no safetensors: names of tensors are the usual ones, unchecked.\n'));
    }
  }
  if (differences.length > 0 && !json) {
    io.err(`${io.paintErr.yellow('warning')} The checkpoint is not quite what config.json says:\n`);
    for (const difference of differences.slice(0, 12)) io.err(`  ${difference}\n`);
    if (differences.length > 12) io.err(`  … and ${differences.length - 12} more\n`);
  }
  return differences.length > 0 ? EXIT.findings : EXIT.ok;
}

/** The source of a model of the user's own blocks, as it was exported. */
async function writeOwn(io: Io, own: HybFolder, folder: string, target: string, json?: boolean): Promise<number> {
  const source = onlySource(own, folder);
  if (target !== '-') await writeText(resolve(io.cwd, target), source);
  if (json) {
    const file = target === '-' ? null : target;
    io.out(`${JSON.stringify({ ok: true, model: own.model, file, ...(file === null ? { source } : {}) }, null, 2)}\n`);
  } else {
    io.out(target === '-' ? source : `${io.paint.green('✓')} ${target}: ${own.model}, as it was exported\n`);
  }
  return EXIT.ok;
}

/** What a checkpoint's headers and a weight map disagree about. */
export function compareTensors(
  { entries, copies }: WeightMap,
  tensors: ReadonlyMap<string, TensorEntry>,
): readonly string[] {
  const expected = new Map(entries.map(({ tensor, shape }) => [tensor, shape]));
  const known = new Set([...expected.keys(), ...copies.map(({ tensor }) => tensor)]);
  const differences: string[] = [];
  for (const [name, shape] of expected) {
    const found = tensors.get(name);
    const wanted = `[${shape.join(', ')}]`;
    if (found === undefined) differences.push(`${name} ${wanted} is missing`);
    else if (found.shape.join() !== shape.join()) {
      differences.push(`${name} is [${found.shape.join(', ')}], expected ${wanted}`);
    }
  }
  for (const name of tensors.keys()) if (!known.has(name)) differences.push(`${name} is not expected`);
  return differences;
}
