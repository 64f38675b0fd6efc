import { Command, Option } from 'commander';
import type { ExportOptions } from '../actions/export.js';
import type { Context } from './context.js';
import { examples, weightPolicy } from './context.js';
import { byteSize } from './numbers.js';

/** `hyb` is a folder of our own: for models with blocks that transformers does not know. */
export const EXPORT_TYPES = ['nemotron_h', 'llama', 'qwen2', 'mamba2', 'hyb'] as const;
export const EXPORT_DTYPES = ['f32', 'f16', 'bf16'] as const;

export function exportCommand({ io, run }: Context): Command {
  return new Command('export')
    .summary('write a model and its weights as a Hugging Face folder')
    .description(
      "Writes config.json and safetensors with the names that transformers uses, so that it loads the folder; importing it gives the same model again. Weights are streamed from a checkpoint whose tensors are called as the model's weight map says, or by the paths of its parameters. The folder is written whole or not at all.",
    )
    .argument('<source>', 'a .hyb file, or a Hugging Face folder')
    .argument('<folder>', 'folder to write')
    .option('-w, --weights <checkpoint>', 'safetensors file or folder (default: the source, if it is a folder)')
    .option('--config-only', 'write config.json and no weights')
    .option('-m, --model <Name>', 'which model of the file (default: the first)')
    .addOption(
      new Option(
        '-t, --type <type>',
        "architecture (default: the one of transformers that fits; hyb: the .hyb source and its weight map's names)",
      ).choices(EXPORT_TYPES),
    )
    .addOption(new Option('--dtype <type>', 'store tensors as (default: as they are)').choices(EXPORT_DTYPES))
    .addOption(new Option('--shard-size <size>', 'largest file').argParser(byteSize).default(5e9, '5GB'))
    .addOption(weightPolicy('unexpected', 'tensors that the model has no place for'))
    .option('-f, --force', 'replace a checkpoint that is there already')
    .option('--root <folder>', 'folder that `use` may not leave')
    .option('--json', 'print what was written as JSON')
    .addHelpText(
      'after',
      examples(
        ['hyb export model.hyb out -w model.safetensors', 'for transformers'],
        ['hyb export ./Llama-3.1-8B out --dtype bf16', 'the same model in another type'],
        ['hyb export own.hyb out -w own.safetensors -t hyb', 'a model of blocks of your own'],
      ),
    )
    .action((source: string, folder: string, options: ExportOptions) =>
      run(async () => (await import('../actions/export.js')).exportModel(io, source, folder, options)),
    );
}
