import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { exportConfig, HYB_TYPE, hybFolderTexts, ownLayout, ownSources, transformersLayout } from '@hyb/compiler';
import type { Checked, CheckedModel, ModelType, TensorLayout } from '@hyb/compiler';
import { formatBytes, formatCount } from '@hyb/compiler/inspect/units';
import { openCheckpoint } from '@hyb/runtime';
import { STORAGE_DTYPE } from '@hyb/runtime/weights/convert';
import type { WeightPolicy } from '../commands/context.js';
import type { EXPORT_DTYPES, EXPORT_TYPES } from '../commands/export.js';
import { companionFields, companionFiles } from '../export/companions.js';
import { findTensors } from '../export/tensors.js';
import type { ExportedTensor } from '../export/tensors.js';
import { isOwn, writeCheckpointFolder } from '../export/write-folder.js';
import { checkSource, firstModel, mentionOthers, openSource, reportFindings } from '../project/source.js';
import type { OpenedSource } from '../project/source.js';
import { findWeights, folderOf } from '../project/weights.js';
import { hasErrors } from '../report/diagnostics.js';
import { attempt, CliError, EXIT, Exit } from '../terminal/errors.js';
import type { Io } from '../terminal/io.js';
import { warn } from '../terminal/message.js';
import { withProgress } from '../terminal/progress.js';

export interface ExportOptions {
  readonly weights?: string;
  readonly configOnly?: boolean;
  readonly model?: string;
  readonly type?: (typeof EXPORT_TYPES)[number];
  readonly dtype?: (typeof EXPORT_DTYPES)[number];
  readonly shardSize: number;
  readonly unexpected: WeightPolicy;
  readonly force?: boolean;
  readonly root?: string;
  readonly json?: boolean;
}

/** The files of the folder that say what the model is, and the tensors that go with them. */
interface Format {
  readonly type: string;
  readonly texts: ReadonlyMap<string, string>;
  readonly layout: readonly TensorLayout[];
}

export async function exportModel(io: Io, source: string, folder: string, options: ExportOptions): Promise<number> {
  const { json, configOnly, dtype, shardSize, unexpected } = options;
  const target = resolve(io.cwd, folder);
  checkTarget(target, folder, options);
  const opened = await openSource(io, source, options);
  const weights = findWeights(io, opened, options.weights);
  if (weights === undefined && !configOnly) {
    throw new CliError(
      'Which weights? A .hyb file has none.',
      '--weights names a safetensors file or a folder; --config-only writes config.json alone.',
    );
  }
  const all = await checkSource(io, opened, options);
  const checked = firstModel(all, opened);
  if (!json && options.model === undefined && opened.model === undefined) mentionOthers(io, all);
  const beside = weights === undefined ? opened.folder : folderOf(weights);
  const format = formatOf(io, all, checked, opened, beside, options);

  const { tensors, files } = await withProgress(io, async (progress) => {
    progress.show('Reading headers');
    const checkpoint = weights === undefined || configOnly ? undefined : await openCheckpoint(weights);
    try {
      const found: readonly ExportedTensor[] =
        checkpoint === undefined
          ? []
          : findTensors(checked, checkpoint, format.layout, {
              dtype: dtype && STORAGE_DTYPE[dtype],
              unexpected,
              warn: (message) => warn(io, message),
            });
      const copies = beside === undefined ? [] : companionFiles(beside);
      const content = {
        texts: format.texts,
        tensors: found,
        copies: new Map(copies.map((name) => [name, join(beside!, name)])),
        shardBytes: shardSize,
      };
      const show = (share: number): void => progress.show('Writing weights', share);
      return { tensors: found, files: await writeCheckpointFolder(target, content, show) };
    } finally {
      await checkpoint?.close();
    }
  });

  const bytes = tensors.reduce((sum, tensor) => sum + tensor.bytes, 0);
  if (json) {
    const written = { ok: true, model: checked.model.name, type: format.type, folder: target, files };
    const list = tensors.map(({ name, shape, dtype: type }) => ({ name, shape, dtype: type }));
    io.out(`${JSON.stringify({ ...written, bytes, tensors: list }, null, 2)}\n`);
    return EXIT.ok;
  }
  const what = configOnly ? 'config.json only' : `${formatCount(tensors.length)} tensors, ${formatBytes(bytes)}`;
  io.out(`${io.paint.green('✓')} ${io.paint.bold(checked.model.name)} → ${folder} (${format.type}): ${what}\n`);
  return EXIT.ok;
}

/** Refuses to replace a checkpoint before any work is done. */
function checkTarget(target: string, folder: string, { force }: ExportOptions): void {
  if (!existsSync(target)) return;
  if (!statSync(target).isDirectory()) throw new CliError(`${folder} is a file, and a folder is to be written.`);
  const taken = readdirSync(target).find(isOwn);
  if (taken === undefined || force) return;
  throw new CliError(
    `${folder} holds ${taken} already.`,
    'Name another folder, or replace what is there with --force.',
  );
}

function formatOf(
  io: Io,
  all: Checked,
  checked: CheckedModel,
  opened: OpenedSource,
  beside: string | undefined,
  { type, dtype, json }: ExportOptions,
): Format {
  if (type === HYB_TYPE || (type === undefined && opened.model !== undefined)) {
    const sources = ownSources(all);
    return {
      type: HYB_TYPE,
      texts: hybFolderTexts(sources, opened.entry, checked.model.name),
      layout: ownLayout(checked),
    };
  }
  const { exported, diagnostics } = exportConfig(checked.model, {
    ...(type === undefined ? {} : { modelType: type satisfies ModelType }),
    ...(dtype === undefined ? {} : { dtype }),
    ...(beside === undefined ? {} : { extra: companionFields(beside) }),
  });
  reportFindings(io, diagnostics, opened.texts, json);
  if (exported === undefined || hasErrors(diagnostics)) {
    if (!json)
      io.err(`${io.paintErr.cyan('help')}  --type hyb writes the .hyb source and the weights, for hyb itself.\n`);
    throw new Exit(EXIT.findings);
  }
  const { modelType, text, tensors } = exported;
  return {
    type: modelType,
    texts: new Map([['config.json', text]]),
    layout: attempt(() => transformersLayout(checked, tensors)),
  };
}
