import { createModel, openDevice, type StorageType } from '@hyb/runtime';
import type { Program as TestProgram } from '../../../tests/support/environments.js';
import { tinyProgram, tinySources } from '../support/tiny-program.js';

interface Arguments {
  /** A path, or an address on the test's server. */
  readonly file: string;
  readonly vocab: number;
  readonly width: number;
  readonly storage: StorageType;
}

/**
 * Loads a large checkpoint and reports the most memory that the process had beside the buffers that were in use by then:
 * the software adapter keeps them in the process, each as a whole from the first write on, since it is cleared then.
 */
const run: TestProgram<Arguments> = async ({ file, vocab, width, storage }, { base }) => {
  const { process } = globalThis as unknown as { process: { memoryUsage: { rss(): number } } };
  const device = await openDevice();
  const before = process.memoryUsage.rss();
  let most = 0;
  const started = performance.now();
  const model = await createModel(tinyProgram({ vocab, width, layers: ['leaky'] }), tinySources, {
    device,
    weights: file.startsWith('/') ? file : `${base}/${file}`,
    storage,
    onProgress: ({ loadedBytes, totalBytes }) => {
      const matrixBytes = vocab * width * (storage === 'f32' ? 4 : 2);
      const matrices = Math.min(2, Math.ceil((2 * loadedBytes) / totalBytes));
      most = Math.max(most, process.memoryUsage.rss() - matrices * matrixBytes);
    },
  });
  const seconds = (performance.now() - started) / 1000;
  const afterwards = process.memoryUsage.rss() - model.memory.total;
  const [logits] = await model.generate([1, 2, 3], { maxTokens: 1 }).all();
  return { before, most, afterwards, seconds, weights: model.memory.weights, tokens: logits!.tokens };
};
export default run;
