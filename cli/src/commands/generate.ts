import { Command, Option } from 'commander';
import type { GenerateCommandOptions } from '../actions/generate.js';
import type { Context } from './context.js';
import { examples, weightPolicy } from './context.js';
import { between, count, countOrNone, tokenIds } from './numbers.js';

export function generate({ io, run }: Context): Command {
  const each = (text: string, before: readonly string[] = []): readonly string[] => [...before, text];
  return new Command('generate')
    .summary('continue a prompt with a checkpoint, token by token')
    .description(
      'Compiles a model, loads a checkpoint on the GPU (or the software adapter), and continues a prompt; the text appears as it is made. Ctrl-C ends it at the token that was shown last.',
    )
    .argument('<source>', 'a .hyb file, or a Hugging Face folder')
    .option('-p, --prompt <text>', 'text to continue; - reads standard input')
    .option('--ids <tokens>', 'tokens to continue, such as 1,2,3, where there is no tokenizer', tokenIds)
    .option('--chat', "the prompt is what a user says: it goes through the tokenizer's chat template")
    .option('--system <text>', 'with --chat, what the system says first')
    .option('-w, --weights <checkpoint>', 'safetensors file or folder (default: the source, if it is a folder)')
    .option('--tokenizer <folder>', 'folder with tokenizer.json (default: that of the weights)')
    .option('-n, --max-tokens <n>', 'most tokens to generate', count, 256)
    .option('--temperature <t>', '0 takes the likeliest token, 1 samples as the model says', between(0, 100), 0)
    .option('--top-k <k>', 'sample among the k likeliest; 0: all', countOrNone, 0)
    .option('--top-p <p>', 'sample among the likeliest that together have this probability', between(0, 1), 1)
    .option('--min-p <p>', 'leave out tokens less likely than this share of the likeliest', between(0, 1), 0)
    .option('--repetition-penalty <x>', 'makes tokens that the text holds already less likely', between(0.01, 100), 1)
    .option('--seed <n>', 'equal seeds give equal texts (default: random)', countOrNone)
    .option('--stop <text>', 'end before this text; may be given several times', each)
    .option('--ignore-end', 'go on after the token that ends a text')
    .option('-m, --model <Name>', 'which model of the file (default: the first)')
    .addOption(new Option('--storage <type>', 'store matrices on the device as').choices(['f32', 'f16', 'bf16']))
    .addOption(weightPolicy('unexpected', 'tensors that the model has no place for'))
    .addOption(weightPolicy('non-finite', 'NaN and infinity in the weights'))
    .option('--save-state <file>', 'write what the model remembers at the end')
    .option('--from-state <file>', 'go on from what --save-state wrote, with the prompt as what comes next')
    .option('--root <folder>', 'folder that `use` may not leave')
    .option('--json', 'print tokens, text and counts as JSON, at the end')
    .addHelpText(
      'after',
      examples(
        ['hyb generate ./Llama-3.1-8B -p "The sea"', 'a folder with its tokenizer'],
        ['hyb generate ./Qwen-2.5-7B --chat -p "Why is the sky blue?" --temperature 0.7', 'a conversation'],
        ['hyb generate model.hyb -w model.safetensors --ids 1,2,3 -n 16', 'a model of your own, in token ids'],
        ['hyb generate ./m -p "Once" -n 9 --save-state s', 'keeps what the model remembers'],
        ['hyb generate ./m -p " upon" --from-state s', 'and goes on from there'],
      ),
    )
    .addHelpText('after', '\nExit codes: 0 done; 1 errors in the model; 2 it could not run; 130 ended by Ctrl-C.\n')
    .action((source: string, options: GenerateCommandOptions) =>
      run(async () => (await import('../actions/generate.js')).generate(io, source, options)),
    );
}
