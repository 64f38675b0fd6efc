// Holds the memory that training is planned to take against what it takes: the process's resident size, in which a software
// adapter keeps its buffers, less what the process took with the kernels compiled and no large buffer touched. A model of
// some 30 million parameters is trained for a few steps, once with as much memory as it likes and once with the least it can
// do with. Needs `npm run build`, Linux, and some minutes. With --write it puts the result into docs/memory.md.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { check, compiledRecipe, memoryHost, planModel, printWgsl } from '../compiler/dist/index.js';
import { planMemory } from '../runtime/dist/index.js';
import { machine, writePart } from './memory-page.mjs';
import { node, step } from './setup.mjs';

/** How far off the plan may be, as a share of it. */
const BOUND = 0.15;
const STEPS = 2;
const SOURCE = `use std.{Attention, Mamba2, MLP, RMSNorm, relu2}

model Middle {
  vocab   = 8192
  width   = 512
  context = 1024

  M = Mamba2(heads = 16, head_dim = 64, state = 64, groups = 2)
  A = Attention(heads = 8, kv_heads = 4, head_dim = 64)
  F = MLP(inner = 2048, activation = relu2)

  norm   = { pre = RMSNorm }
  layers = [(M F)*2 A F (M F)*2 A F]
  head   = { norm = RMSNorm, tie = false }
}

train Recipe of Middle {
  data     = "text.txt"
  sequence = 256
  batch    = 4
  steps    = 8
  rate     = 1e-3
  accumulation = 1
}
`;

function compiled(memory) {
  const { models, trains, diagnostics } = check(memoryHost({ 'middle.hyb': SOURCE }), 'middle.hyb');
  if (models.length === 0 || trains.length === 0) throw new Error(diagnostics.map(({ message }) => message).join('\n'));
  const { program, kernels } = planModel(models[0], { training: true });
  const recipe = { ...compiledRecipe(trains[0]), ...(memory === undefined ? {} : { memory: { value: memory } }) };
  return { program, recipe, kernels: Object.fromEntries([...kernels].map(([name, k]) => [name, printWgsl(k)])) };
}

function resident() {
  const status = readFileSync('/proc/self/status', 'utf8');
  const bytes = (name) => 1024 * Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)[1]);
  return { now: bytes('VmRSS'), most: bytes('VmHWM') };
}

/** In a process of its own: trains, and measures. */
async function measure(memory) {
  const [{ openDevice, openTrainer, Trainer }, { gpu }] = await Promise.all([
    import('../runtime/dist/index.js'),
    import('../adapter/dist/index.js'),
  ]);
  const { program, recipe, kernels } = compiled(memory === 'any' ? undefined : Number(memory));
  const device = await openDevice({ gpu: await gpu() });
  // The first thing that touches large buffers is a parameter that is written; kernels are compiled by then.
  let before;
  const { write } = Trainer.prototype;
  Trainer.prototype.write = function (...args) {
    before ??= resident().now;
    return write.apply(this, args);
  };
  const { engine, length, memory: plan, dispose } = await openTrainer(program, kernels, recipe, device);
  // What was the most so far counts no more.
  writeFileSync('/proc/self/clear_refs', '5');
  for (let step = 1; step <= STEPS; step++) {
    await engine.step([sequencesOf(length, program.model.vocab)], { step, rate: 1e-4, lossScale: 1, probes: false });
  }
  const most = resident().most - before;
  const { layers, ...sums } = plan;
  const kept = layers.reduce((n, layer) => n + layer.kept + layer.stream, 0);
  console.log(
    JSON.stringify({
      device: device.name,
      plan: { ...sums, kept },
      buffers: engine.memory.total,
      before,
      most,
    }),
  );
  dispose();
  device.dispose();
}

function sequencesOf({ batch, sequence }, vocab) {
  return Array.from({ length: batch }, (_, s) => ({
    tokens: Array.from({ length: sequence }, (_, t) => (31 * t * t + 17 * s) % vocab),
  }));
}

const megabytes = (bytes) => (bytes / 1e6).toFixed(0);

async function prove() {
  const { program, recipe } = compiled();
  const request = {
    tokens: recipe.batch.value * recipe.sequence.value,
    sequences: recipe.batch.value,
    ruleOf: () => 'AdamW',
  };
  const least = planMemory(program, { ...request, limit: 0 }).peak;
  const runs = [];
  for (const [what, memory] of [
    ['as much memory as it likes', 'any'],
    ['as little as it can do with', String(least)],
  ]) {
    await step(`Train with ${what}`, async () => {
      const found = JSON.parse(await node([fileURLToPath(import.meta.url), '--measure', memory]));
      runs.push({ what, ...found, off: found.most / found.plan.peak - 1 });
      return `planned ${megabytes(found.plan.peak)} MB, took ${megabytes(found.most)} MB`;
    });
  }
  if (process.argv.includes('--write')) await writePart('training', page(runs, request));
  const wrong = runs.filter(({ off }) => Math.abs(off) > BOUND);
  console.log(wrong.length === 0 ? 'All within 15 % of the plan.' : `${wrong.length} not within 15 % of the plan.`);
  process.exitCode = wrong.length === 0 ? 0 : 1;
}

function page(runs, { tokens, sequences }) {
  const [{ device, plan }] = runs;
  const parameters = plan.gradients / 4;
  const row = (what, of) => `| ${what} | ${runs.map(of).join(' | ')} |`;
  return `${row('MB', ({ what }) => `with ${what}`)}
| --- | ${runs.map(() => '---:').join(' | ')} |
${['weights', 'gradients', 'optimizer'].map((name) => row(name, ({ plan }) => megabytes(plan[name]))).join('\n')}
${row('stream, and what layers keep', ({ plan }) => megabytes(plan.kept))}
${row('shared by layers', ({ plan }) => megabytes(plan.shared))}
${row('head', ({ plan }) => megabytes(plan.head))}
${row('other', ({ plan }) => megabytes(plan.other))}
${row('**planned**', ({ plan }) => megabytes(plan.peak))}
${row('**measured, at most**', ({ most }) => megabytes(most))}
${row('measured over planned', ({ off }) => `${(100 * off).toFixed(1)} %`)}
${row('device buffers, as counted', ({ buffers }) => megabytes(buffers))}
${row('forward pass computed twice', ({ plan }) => `${(100 * plan.recomputed).toFixed(0)} %`)}

${(parameters / 1e6).toFixed(1)} million parameters, ${STEPS} steps of ${tokens} tokens in ${sequences} sequences. ${machine(device)} Before
buffers were touched the processes took ${runs.map(({ before }) => megabytes(before)).join(' and ')} MB: Node, the adapter and the compiled kernels.`;
}

const [, , mode, memory] = process.argv;
if (mode === '--measure') await measure(memory);
else await prove();
