import { Command } from 'commander';
import type { TokenizerOptions } from '../actions/tokenizer.js';
import type { Context } from './context.js';
import { examples } from './context.js';
import { count } from './numbers.js';

export function tokenizer({ io, run }: Context): Command {
  const train = new Command('train')
    .summary('train a byte-level BPE tokenizer on texts')
    .description(
      'Learns which pieces of words are common in texts, and writes tokenizer.json and tokenizer_config.json, which hyb, transformers and others read. Any text can be spelled with it, byte by byte at worst, and is spelled exactly.',
    )
    .argument('<paths...>', 'text, JSONL, or folders of them, .gz too')
    .option('--vocab <n>', 'ids in all: the end of text, 256 bytes, and pieces', count, 4096)
    .option('-o, --output <folder>', 'where to put the files', '.')
    .option('-f, --force', 'replace a tokenizer that is there already')
    .option('--json', 'print what was made as JSON')
    .addHelpText(
      'after',
      examples(
        ['hyb tokenizer train data/ --vocab 8192 -o tokenizer', 'writes tokenizer/tokenizer.json'],
        ['hyb train model.hyb --tokenizer tokenizer --data data/', 'trains with it'],
      ),
    )
    .action((paths: readonly string[], options: TokenizerOptions) =>
      run(async () => (await import('../actions/tokenizer.js')).tokenizerTrain(io, paths, options)),
    );
  return new Command('tokenizer')
    .summary('train a tokenizer')
    .description('Tokenizers of your own.')
    .addCommand(train)
    .addHelpText('after', examples(['hyb tokenizer train data/ -o tokenizer', 'writes tokenizer/tokenizer.json']));
}
