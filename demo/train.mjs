// Training before the reader's eyes: a small hybrid learns from a novel on the adapter, beside tables of its bytes and beside
// the same model without the layers that mix tokens. `node demo/train.mjs` runs this part alone.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeText } from '../examples/training/text.mjs';
import { bigramEntropy, unigramEntropy } from './entropies.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const SOURCE = 'examples/training/novel.hyb';
const OUT = join(root, 'build/demo-training');

/** Trains a recipe of the example; resolves to the bits that a byte of the held-out chapters takes, and a sample. */
async function trainRecipe(name, device, { training, heldOut }, { write }) {
  const { compileRecipe, readRecipe } = await import('../examples/training/workbench.mjs');
  const { byteTokenizer, createModel, dataText, diskFiles, trainModel } = await import('@hyb/runtime');
  const { program, sources, compiled } = compileRecipe(readRecipe(SOURCE, name));
  const folder = join(OUT, name);
  await rm(folder, { recursive: true, force: true });
  const options = { device, data: [dataText(training)], heldOut: [dataText(heldOut)], files: diskFiles(folder) };
  const losses = [];
  let last;
  const since = performance.now();
  for await (const metrics of trainModel(program, sources, compiled, options)) {
    losses.push(metrics.loss / Math.LN2);
    if (metrics.step % 20 === 0) {
      const seconds = ((performance.now() - since) / 1000).toFixed(0);
      const bits = losses.slice(-20).reduce((sum, each) => sum + each, 0) / 20;
      console.log(
        `step ${String(metrics.step).padStart(3)}  ${bits.toFixed(2)} bits a byte  ${bar(bits)}  ${seconds} s`,
      );
    }
    last = metrics;
  }
  const result = { bits: last.evaluation.bitsPerByte, text: '' };
  if (!write) return result;
  const weights = join(folder, 'checkpoints', last.checkpoint);
  const model = await createModel(program, sources, { device, weights });
  const prompt = byteTokenizer.encode('The whale ');
  const [made] = await model.generate([prompt], { maxTokens: 160, temperature: 0.8, seed: 1, stopTokens: [] }).all();
  model.dispose();
  return { ...result, text: byteTokenizer.decode([...prompt, ...made.tokens]) };
}

/** Eight bits are the whole width. */
function bar(bits) {
  const full = Math.round(5 * bits);
  return '█'.repeat(full) + '░'.repeat(40 - full);
}

/** @throws Error if the model does not beat what it has to */
export async function trainingDemo(device, heading) {
  heading(`Training: ${SOURCE} learns from Moby-Dick`);
  const texts = await writeText(join(OUT, 'text'));
  const [training, heldOut] = [Buffer.from(texts.training), Buffer.from(texts.heldOut)];
  const hybrid = await trainRecipe('Novel', device, texts, { write: true });
  console.log(`It writes:\n${hybrid.text.replace(/^/gm, '  │ ')}`);

  heading('The same without its sequence mixers');
  const control = await trainRecipe('Control', device, texts, { write: false });

  heading('Bits for a byte of the chapters that were held out: less is better');
  const unigram = unigramEntropy(training, heldOut);
  const rows = [
    ['a table of bytes', unigram],
    ['a table of pairs of bytes', bigramEntropy(training, heldOut)],
    ['the model without sequence mixers', control.bits],
    ['the hybrid', hybrid.bits],
  ];
  for (const [name, bits] of rows) console.log(`${name.padEnd(34)} ${bits.toFixed(2)}  ${bar(bits)}`);
  if (!(hybrid.bits < 0.9 * unigram && hybrid.bits < control.bits))
    throw new Error('The hybrid should be well below the table of bytes, and below the model without sequence mixers.');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { gpu } = await import('@hyb/adapter');
  const { openDevice } = await import('@hyb/runtime');
  const device = await openDevice({ gpu: await gpu() });
  await trainingDemo(device, (text) => console.log(`\n\x1b[1m${text}\x1b[0m`));
  device.dispose();
}
