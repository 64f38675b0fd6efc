import { Command } from 'commander';
import type { ImportOptions } from '../actions/import.js';
import type { Context } from './context.js';
import { examples } from './context.js';

export function importCommand({ io, run }: Context): Command {
  return new Command('import')
    .summary('turn a Hugging Face folder into a .hyb file')
    .description(
      'Reads the config.json of a Hugging Face folder (nemotron_h, llama, qwen2, mamba2) and writes the .hyb file that a person would have written for the model, with a map of its tensors. Where the folder holds a checkpoint, its headers are compared with the map; weights are not read.',
    )
    .argument('<folder>', 'folder with a config.json')
    .option('-o, --output <file>', 'file to write, or - to print it (default: the name of the folder, in this folder)')
    .option('--name <Name>', 'what the model is called (default: made from the folder)')
    .option('-f, --force', 'replace a file that is there already')
    .option('--json', 'print what was found as JSON')
    .addHelpText(
      'after',
      examples(
        ['hyb import ./Llama-3.1-8B', 'writes Llama-3.1-8B.hyb'],
        ['hyb import ./Llama-3.1-8B -o -', 'prints it'],
        ['hyb verify ./Llama-3.1-8B', 'compares what it computes with recorded outputs'],
      ),
    )
    .action((folder: string, options: ImportOptions) =>
      run(async () => (await import('../actions/import.js')).importFolderTo(io, folder, options)),
    );
}
