import { Command, Option } from 'commander';
import type { InspectOptions } from '../actions/inspect.js';
import type { Context } from './context.js';
import { examples } from './context.js';
import { count, rate } from './numbers.js';

export function inspect({ io, run }: Context): Command {
  return new Command('inspect')
    .summary("show a model's layers, parameters, memory, kernels and limits")
    .description(
      'Shows what a model is made of, without running it: its layers, and the memory that weights and state take. The options show more: tensors with their types, the kernels with what they move beside what they must move, and how fast a device could be at best.',
    )
    .argument('<source>', 'a .hyb file, or a Hugging Face folder')
    .option('-m, --model <Name>', 'which model of the file (default: the first)')
    .option('-c, --context <tokens>', "length of the texts that sizes are given for (default: the model's)", count)
    .option('-s, --sequences <n>', 'texts at once', count)
    .addOption(new Option('--storage <type>', 'store all matrices as').choices(['f32', 'f16', 'bf16']))
    .option('--parameters', 'the number of parameters as a sum')
    .option('--tensors', 'every tensor with its shape and type')
    .option('--memory', 'what memory is taken by')
    .option('--kernels', 'what runs: each kind of layer as its kernels, with bytes and operations')
    .addOption(new Option('--mode <mode>', 'kernels of').choices(['decode', 'prefill']).default('decode'))
    .option('--roofline', 'how fast a device can be at best: bytes over bandwidth, operations over peak')
    .option(
      '-d, --device <name>',
      'device of the roofline: h100, rtx4090, m2max, … (`--device list` lists them)',
      'h100',
    )
    .option('--bandwidth <bytes/s>', 'its bandwidth, such as 900G', rate)
    .option('--peak <op/s>', 'its peak rate, such as 30T', rate)
    .option('--no-fuse', 'one kernel for each op')
    .option('--root <folder>', 'folder that `use` may not leave')
    .option('--json', 'print everything asked for as JSON, with parameters, layers, tensors, types and memory')
    .addHelpText(
      'after',
      examples(
        ['hyb inspect model.hyb', 'its layers and memory'],
        ['hyb inspect model.hyb --kernels --context 8192', 'what a decoding step runs'],
        ['hyb inspect model.hyb --roofline -c 65536 -d h100', 'what an H100 allows at 65,536 tokens'],
        ['hyb inspect model.hyb --json | jq .parameters', 'a number for a script'],
      ),
    )
    .action((source: string, options: InspectOptions) =>
      run(async () => (await import('../actions/inspect.js')).inspect(io, source, options)),
    );
}
