// Trains a small model for 1,000 steps, with evaluations, checkpoints and documents of every length, and shows every hundred
// steps what the process and the device's buffers take. Needs `npm run build` and some minutes. With --write it puts the result
// into docs/memory.md.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { gpu } from '../adapter/dist/index.js';
import { check, compiledRecipe, memoryHost, planModel, printWgsl } from '../compiler/dist/index.js';
import { dataText, diskFiles, openDevice, trainModel } from '../runtime/dist/index.js';
import { machine, writePart } from './memory-page.mjs';
import { step } from './setup.mjs';

/** All steps, those until everything has been used once, and those between measurements. */
const [STEPS, SETTLED, EVERY] = [1000, 200, 100];
/** How much more may be taken in the second half than in the first. */
const BOUND = 0.05;
const SOURCE = `use std.{Attention, Mamba2, MLP, RMSNorm, relu2}

model Little {
  vocab   = 257
  width   = 32
  context = 64
  M = Mamba2(heads = 2, head_dim = 16, state = 8, groups = 1)
  A = Attention(heads = 2, kv_heads = 1, head_dim = 16)
  F = MLP(inner = 64, activation = relu2)
  norm   = { pre = RMSNorm }
  layers = [M F A F]
  head   = { norm = RMSNorm, tie = false }
}

train Steady of Little {
  data        = "text.txt"
  sequence    = 48
  batch       = 2
  steps       = ${STEPS}
  rate        = 1e-3
  evaluation  = { every = 100 steps, tokens = 480 }
  checkpoints = { every = 100 steps, keep = 2 }
}
`;

/** Documents of one to a hundred words, the same every time. */
function documents() {
  const words = 'the sea whale ship a man of old white and under harpoon deck storm'.split(' ');
  let state = 1;
  const random = (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  return Array.from({ length: 2000 }, () => {
    const text = Array.from({ length: 1 + random(100) }, () => words[random(words.length)]).join(' ');
    return JSON.stringify({ text });
  }).join('\n');
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');

async function prove() {
  const { models, trains } = check(memoryHost({ 'little.hyb': SOURCE }), 'little.hyb');
  const { program, kernels } = planModel(models[0], { training: true });
  const sources = Object.fromEntries([...kernels].map(([name, kernel]) => [name, printWgsl(kernel)]));
  const device = await openDevice({ gpu: await gpu() });
  const folder = await mkdtemp(join(tmpdir(), 'hyb-steady-'));
  const rows = [];
  try {
    await step(`Train ${STEPS} steps`, async () => {
      const data = [dataText(documents(), 'documents.jsonl')];
      const recipe = compiledRecipe(trains[0]);
      for await (const metrics of trainModel(program, sources, recipe, { data, device, files: diskFiles(folder) })) {
        if (metrics.step % EVERY !== 0) continue;
        collect();
        const { rss, heapUsed } = process.memoryUsage();
        rows.push({ step: metrics.step, rss, heap: heapUsed, buffers: metrics.memory, loss: metrics.loss });
      }
      return `loss ${rows.at(-1).loss.toFixed(3)}`;
    });
  } finally {
    device.dispose();
    await rm(folder, { recursive: true, force: true });
  }
  const table = `| step | resident, MB | JavaScript heap, MB | device buffers, MB | loss |
| ---: | ---: | ---: | ---: | ---: |
${rows.map(({ step, rss, heap, buffers, loss }) => `| ${step} | ${(rss / 1e6).toFixed(1)} | ${(heap / 1e6).toFixed(1)} | ${(buffers / 1e6).toFixed(3)} | ${loss.toFixed(3)} |`).join('\n')}`;
  console.log(table);
  if (process.argv.includes('--write')) await writePart('steady', `${table}\n\n${machine(device.name)}`);
  // The process's size goes up and down with what waits to be collected; a leak would raise what it comes back to.
  const half = (SETTLED + STEPS) / 2;
  const [early, late] = [
    rows.filter(({ step }) => step >= SETTLED && step <= half),
    rows.filter(({ step }) => step > half),
  ];
  const least = (some, what) => Math.min(...some.map((row) => row[what]));
  const grown = Math.max(...['rss', 'heap', 'buffers'].map((what) => least(late, what) / least(early, what))) - 1;
  console.log(`The least of the second half is ${(100 * grown).toFixed(1)} % more at most than that of the first.`);
  process.exitCode = grown <= BOUND ? 0 : 1;
}

await prove();
