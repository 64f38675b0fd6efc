import { Command, Option } from 'commander';
import type { VerifyOptions } from '../actions/verify.js';
import type { Context } from './context.js';
import { examples } from './context.js';

export const DEVICES = ['node', 'chromium', 'deno', 'reference'] as const;

export function verify({ io, run }: Context): Command {
  return new Command('verify')
    .summary('compare what a model computes with recorded outputs of the original')
    .description(
      'Imports a Hugging Face folder, compiles it with all numbers in f32, runs the recorded prompt and the cached decoding of its golden.safetensors, and prints the largest difference of each check. Logits must be within 1e-4; states within 1e-4 of their largest value. Where they are not, the layer is named that differs first. With --train, gradients must be within 1e-4 of the largest entry of each, and after 20 steps of AdamW losses within 1e-3 and weights within 2e-3.',
    )
    .argument('<folder>', 'folder with config.json, safetensors and golden.safetensors')
    .addOption(
      new Option(
        '-d, --device <where>',
        'where to run: WebGPU in Node, headless Chromium or Deno, or the f64 reference',
      )
        .choices(DEVICES)
        .default('node'),
    )
    .option('--source <file>', 'verify this .hyb file instead of what the folder imports to')
    .option('-m, --model <Name>', 'which model of --source (default: the first)')
    .option('--no-fuse', 'one kernel for each op')
    .option('--train', 'compare loss, every gradient and 20 steps of AdamW instead')
    .option('--layers', 'print the difference after every layer')
    .option('--json', 'print all differences as JSON')
    .addHelpText(
      'after',
      examples(
        ['hyb verify tests/golden/llama_gqa', 'on the GPU, or the software adapter'],
        ['hyb verify tests/golden/llama_gqa --device chromium', 'in a browser'],
        ['hyb verify tests/golden/llama_gqa --no-fuse', 'without fusion'],
        ['hyb verify tests/golden/llama_gqa --train', 'gradients and optimizer steps'],
      ),
    )
    .addHelpText('after', '\nExit codes: 0 all within bounds; 1 not; 2 it could not run.\n')
    .action((folder: string, options: VerifyOptions) =>
      run(async () => (await import('../actions/verify.js')).verify(io, folder, options)),
    );
}
