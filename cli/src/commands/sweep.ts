import { Command, Option } from 'commander';
import type { SweepOptions } from '../actions/sweep.js';
import { TRAINING_DEVICES } from '../train/devices.js';
import type { Context } from './context.js';
import { examples, weightPolicy } from './context.js';
import { count } from './numbers.js';
import { several } from './several.js';

export function sweep({ io, run }: Context): Command {
  return new Command('sweep')
    .summary('train with several values of fields, side by side in one report')
    .description(
      'Trains a recipe again and again with other values of its fields, or with model.FIELD of its model: every combination of the values after --over, or what each --run says. All runs are checked before the first one starts. report.html has their curves in the same charts and a table of what came of them.',
    )
    .argument('<file>', 'a .hyb file with a recipe')
    .option('--over <field=values>', 'values with commas between; given several times, a grid', several)
    .option('--run <changes>', 'changes of one run, with semicolons between; may be given several times', several)
    .option('-r, --recipe <Name>', 'which recipe of the file (default: the first)')
    .option('-d, --data <[name=]path>', 'text, in place of what the recipe says; may be given several times', several)
    .option('--held-out <path>', 'what is evaluated on, in place of what the recipe says', several)
    .option('--tokenizer <path>', 'a tokenizer.json or its folder, or `bytes`')
    .option('-w, --weights <path>', 'begin with these: a safetensors file, a checkpoint, or a folder of transformers')
    .addOption(weightPolicy('unexpected', 'tensors of --weights that the model has no place for'))
    .option('-n, --steps <n>', 'length of the runs', count)
    .option('-s, --set <field=value>', 'a change that all runs have; may be given several times', several)
    .option('-o, --out <folder>', 'folder of the sweep (default: runs/sweep-RECIPE)')
    .option('--resume', 'go on with a sweep that was interrupted')
    .addOption(new Option('--device <where>', 'where to run').choices(TRAINING_DEVICES).default(TRAINING_DEVICES[0]))
    .option('--root <folder>', "folder that `use` and the recipe's paths may not leave")
    .option('--json', 'print what came of the runs as JSON')
    .addHelpText(
      'after',
      examples(
        ['hyb sweep model.hyb --over rate=1e-3,2e-3,4e-3 --over seed=1,2,3', 'nine runs'],
        ['hyb sweep model.hyb --over "model.A.norm.qk=none,LayerNorm"', 'with and without QK-norm'],
        ['hyb sweep model.hyb --run "batch=8; rate=1e-3" --run "batch=16; rate=2e-3"', 'two runs'],
      ),
    )
    .addHelpText(
      'after',
      '\nExit codes: 0 done, whatever came of the runs; 1 errors in the file; 2 it could not run; 130 ended by Ctrl-C.\n',
    )
    .action((file: string, options: SweepOptions) =>
      run(async () => (await import('../actions/sweep.js')).sweep(io, file, options)),
    );
}
