import { Command, Option } from 'commander';
import type { TrainCommandOptions } from '../actions/train.js';
import { TRAINING_DEVICES } from '../train/devices.js';
import type { Context } from './context.js';
import { examples, weightPolicy } from './context.js';
import { count, countOrNone } from './numbers.js';
import { several } from './several.js';

export function train({ io, run }: Context): Command {
  return new Command('train')
    .summary('train a model as a recipe says')
    .description(
      'Trains the model of a `train` declaration. The run has a folder: metrics.jsonl with a line for each step, checkpoints that `hyb import`, `hyb generate` and transformers read, and report.html with curves and a sample. Texts are tokenised once and kept. Ctrl-C ends the run after the step it is in, with a checkpoint; --resume goes on from there and ends in the same bits.',
    )
    .argument('<file>', 'a .hyb file with a recipe')
    .option('-r, --recipe <Name>', 'which recipe of the file (default: the first)')
    .option(
      '-d, --data <[name=]path>',
      'text, JSONL, or a folder of them, .gz too, in place of what the recipe says; may be given several times',
      several,
    )
    .option(
      '--held-out <path>',
      'what is evaluated on, in place of what the recipe says; may be given several times',
      several,
    )
    .option('--tokenizer <path>', 'a tokenizer.json or its folder, or `bytes`')
    .option('-w, --weights <path>', 'begin with these: a safetensors file, a checkpoint, or a folder of transformers')
    .addOption(weightPolicy('unexpected', 'tensors of --weights that the model has no place for'))
    .option('-n, --steps <n>', 'length of the run', count)
    .option(
      '-s, --set <field=value>',
      'change a field of the recipe, or with model.FIELD of its model; may be given several times',
      several,
    )
    .option('-o, --out <folder>', 'folder of the run (default: runs/RECIPE)')
    .option('--resume', 'go on from the last checkpoint in the folder')
    .addOption(
      new Option('--device <where>', 'where to run: in f64 by the meaning of the ops, for very small models')
        .choices(TRAINING_DEVICES)
        .default(TRAINING_DEVICES[0]),
    )
    .option('--sample <n>', 'tokens that the model writes at the end; 0: none', countOrNone, 120)
    .option('--root <folder>', "folder that `use` and the recipe's paths may not leave")
    .option('--json', 'print the metrics of each step as a line of JSON')
    .addHelpText(
      'after',
      examples(
        ['hyb train model.hyb --data novel.txt', 'the first recipe, on a text of yours'],
        ['hyb train model.hyb -r Run --set rate=1e-3 --set model.width=64', 'with other fields'],
        ['hyb train model.hyb --resume', 'goes on after an interruption'],
        ['hyb train model.hyb -d web=data/web -d code=data/code', 'sources that the recipe mixes'],
        ['hyb train model.hyb -w runs/Run/checkpoints/step-000100 -o tuned', 'begins where another run was'],
        ['hyb train model.hyb --json | jq .loss', 'numbers for a script'],
      ),
    )
    .addHelpText(
      'after',
      '\nExit codes: 0 done; 1 errors in the file, or a run that its recipe stopped (not finite, a spike); 2 it could not run, or the disk is full; 130 ended by Ctrl-C, with a checkpoint.\n',
    )
    .action((file: string, options: TrainCommandOptions) =>
      run(async () => (await import('../actions/train.js')).train(io, file, options)),
    );
}
