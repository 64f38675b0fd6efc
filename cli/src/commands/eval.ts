import { Command, Option } from 'commander';
import type { EvalOptions } from '../actions/eval.js';
import { EVALUATION_DEVICES } from '../train/devices.js';
import type { Context } from './context.js';
import { examples } from './context.js';
import { count } from './numbers.js';
import { several } from './several.js';

export function evalCommand({ io, run }: Context): Command {
  return new Command('eval')
    .summary('measure loss, perplexity and bits per byte on a text')
    .description(
      'Computes how well a checkpoint predicts text: the mean cross-entropy of the next token, its exponential, and bits for each byte of the text, which can be compared between tokenizers. Every token of the text but the first is predicted once; documents do not see each other.',
    )
    .argument('<source>', 'a .hyb file, or the folder of a checkpoint')
    .requiredOption(
      '-d, --data <path>',
      'text, JSONL, or a folder of them, .gz too; may be given several times',
      several,
    )
    .option('-w, --weights <checkpoint>', 'safetensors file or folder (default: the source, if it is a folder)')
    .option(
      '--tokenizer <path>',
      'a tokenizer.json or its folder, or `bytes` (default: that of the weights, else bytes)',
    )
    .option('-m, --model <Name>', 'which model of the file (default: the first)')
    .option('--sequence <tokens>', "length of the sequences (default: the model's context, 1024 at most)", count)
    .option('--tokens <n>', 'how much of the text (default: all)', count)
    .addOption(
      new Option('--device <where>', 'where to compute').choices(EVALUATION_DEVICES).default(EVALUATION_DEVICES[0]),
    )
    .option('--root <folder>', 'folder that `use` may not leave')
    .option('--json', 'print the numbers as JSON')
    .addHelpText(
      'after',
      examples(
        ['hyb eval runs/Run/checkpoints/step-001000 --data held-out.txt', 'what a run has come to'],
        ['hyb eval ./Llama-3.1-8B --data text/ --tokens 20000', 'a folder with its tokenizer'],
        ['hyb eval model.hyb -w model.safetensors -d a.jsonl --json', 'numbers for a script'],
      ),
    )
    .action((source: string, options: EvalOptions) =>
      run(async () => (await import('../actions/eval.js')).evalModel(io, source, options)),
    );
}
