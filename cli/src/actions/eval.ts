import { resolve } from 'node:path';
import { bytesAsTokens, evaluate, evaluationOf, prepareTokens, windowsOf } from '@hyb/runtime';
import { formatCount } from '@hyb/compiler/inspect/units';
import { INTERRUPTED, onInterrupt } from '../generate/interrupt.js';
import { checkSource, firstModel, mentionOthers, openSource } from '../project/source.js';
import { findWeights, folderOf } from '../project/weights.js';
import { CliError, EXIT } from '../terminal/errors.js';
import type { Io } from '../terminal/io.js';
import { withProgress } from '../terminal/progress.js';
import type { EVALUATION_DEVICES } from '../train/devices.js';
import { formatLoss } from '../train/numbers.js';
import { heldOutFiles } from '../train/sources.js';
import { tokenCache } from '../train/token-cache.js';
import { openTokenizer } from '../train/tokenizers.js';

export interface EvalOptions {
  readonly data: readonly string[];
  readonly weights?: string;
  readonly tokenizer?: string;
  readonly model?: string;
  readonly sequence?: number;
  readonly tokens?: number;
  readonly device: (typeof EVALUATION_DEVICES)[number];
  readonly root?: string;
  readonly json?: boolean;
}

/** Longer sequences take more memory for logits than they tell. */
const SEQUENCE = 1024;

export async function evalModel(io: Io, source: string, options: EvalOptions): Promise<number> {
  const { signal, release } = onInterrupt();
  try {
    return await run(io, source, options, signal);
  } catch (error) {
    if (signal.aborted) return INTERRUPTED;
    throw error;
  } finally {
    release();
  }
}

async function run(io: Io, source: string, options: EvalOptions, signal: AbortSignal): Promise<number> {
  const opened = await openSource(io, source, options);
  const weights = findWeights(io, opened, options.weights);
  if (weights === undefined) {
    throw new CliError('Which weights? A .hyb file has none.', '--weights names a safetensors file or a folder.');
  }
  const all = await checkSource(io, opened, options);
  const checked = firstModel(all, opened);
  if (!options.json && options.model === undefined && opened.model === undefined) mentionOthers(io, all);
  const { context, vocab } = checked.model;
  const sequence = options.sequence ?? Math.min(context, SEQUENCE);
  if (sequence > context)
    throw new CliError(`The model has a context of ${context} tokens, and --sequence ${sequence} is more.`);
  const files = await heldOutFiles({ cwd: io.cwd, folder: io.cwd, root: io.cwd }, options.data, undefined);
  const tokenizer = await tokenizerOf(io, options.tokenizer, folderOf(weights));
  if (tokenizer.codec.size > vocab) {
    throw new CliError(
      `The tokenizer has ${tokenizer.codec.size} ids, and the model a vocabulary of ${vocab}: they do not belong together.`,
    );
  }

  const result = await withProgress(io, async (progress) => {
    progress.show('Tokenising', 0);
    const tokens = await prepareTokens(files!, {
      tokenizer,
      cache: tokenCache(resolve(io.cwd, 'runs/eval')),
      signal,
      onProgress: ({ doneBytes, totalBytes }) => progress.show('Tokenising', doneBytes / totalBytes),
    });
    try {
      progress.show('Loading weights', 0);
      const { deviceEvaluator, referenceEvaluator } = await import('../train/evaluators.js');
      const evaluator =
        options.device === 'reference'
          ? await referenceEvaluator(checked, weights)
          : await deviceEvaluator(checked, weights, ({ loadedBytes, totalBytes }) =>
              progress.show('Loading weights', loadedBytes / totalBytes),
            );
      try {
        const most = Math.ceil((options.tokens ?? Infinity) / (sequence - 1));
        const data = evaluationOf([windowsOf(tokens, sequence, { rest: true })], most);
        const onProgress = (share: number): void => progress.show('Evaluating', share);
        const metrics = await evaluate(evaluator, data, { signal, onProgress });
        return { ...metrics, tokens: tokens.info.tokens, bytes: tokens.info.bytes, sequence, where: evaluator.device };
      } finally {
        evaluator.dispose();
      }
    } finally {
      await tokens.close();
    }
  });
  if (options.json) {
    io.out(`${JSON.stringify({ ok: true, model: checked.model.name, ...result }, null, 2)}\n`);
    return EXIT.ok;
  }
  const rows = [
    ['loss', `${formatLoss(result.loss)} nats a token`],
    ['perplexity', result.perplexity.toPrecision(5)],
    ['bits per byte', result.bitsPerByte.toFixed(4)],
    ['predicted', `${formatCount(result.labels)} of ${formatCount(result.tokens)} tokens, in sequences of ${sequence}`],
    ['where', result.where],
  ];
  for (const [name, value] of rows) io.out(`${io.paint.bold(name!.padEnd(14))} ${value}\n`);
  return EXIT.ok;
}

/** The one asked for, else that of the weights, else bytes. */
async function tokenizerOf(io: Io, asked: string | undefined, folder: string) {
  if (asked === 'bytes') return bytesAsTokens();
  if (asked !== undefined) return openTokenizer(resolve(io.cwd, asked), asked);
  const { existsSync } = await import('node:fs');
  return existsSync(resolve(folder, 'tokenizer.json')) ? openTokenizer(folder, folder) : bytesAsTokens();
}
