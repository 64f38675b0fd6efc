import { Command } from 'commander';
import type { DevicesOptions } from '../actions/devices.js';
import type { Context } from './context.js';
import { examples } from './context.js';

export function devices({ io, run }: Context): Command {
  return new Command('devices')
    .summary('list the GPUs and software adapters that models can run on')
    .description(
      'Lists the WebGPU adapters of this machine: its GPUs, and SwiftShader, which computes on the CPU and comes with Hyb. The one marked * is used where nothing else is said; HYB_ADAPTER=hardware or software chooses.',
    )
    .option('--json', 'print the adapters with all features and limits as JSON')
    .addHelpText('after', examples(['hyb devices', 'what there is'], ['hyb devices --json', 'with every limit']))
    .action((options: DevicesOptions) => run(async () => (await import('../actions/devices.js')).devices(io, options)));
}
