// The main job before the reader's eyes: a .hyb file becomes a package, the package loads a checkpoint that Hugging Face
// transformers made, generates, and its logits are compared with the recorded ones. Then a hybrid learns from a novel.
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { fail, setup } from '../scripts/setup.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const SOURCE = 'demo/tiny-hybrid.hyb';
const CHECKPOINT = 'tests/golden/nh_a_gqa_g2';
const OUT = join(root, 'build/demo');
const TOLERANCE = 1e-4;

const heading = (text) => console.log(`\n\x1b[1m${text}\x1b[0m`);
const ms = (since) => `${(performance.now() - since).toFixed(0)} ms`;

async function demo() {
  const { compile } = await import('@hyb/compiler');
  const { emit } = await import('@hyb/compiler/emit/emit');
  const { kernelTable, layerTable, printKernelTable, printLayerTable } = await import('@hyb/compiler/inspect/index');

  heading(`1. The model: ${SOURCE}`);
  console.log((await readFile(join(root, SOURCE), 'utf8')).trimEnd());

  heading('2. Compiled');
  let since = performance.now();
  const host = { read: (path) => (existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : undefined) };
  const { compiled, diagnostics } = compile(host, SOURCE);
  if (!compiled) throw new Error(diagnostics.map((d) => `${d.code}: ${d.message}`).join('\n'));
  const files = await emit(compiled.plan, { runtimeVersion: '0.1.0' });
  const names = (layer) => compiled.model.layers[layer].block.declaration.name.text;
  console.log(printLayerTable(layerTable(compiled.graph, names)));
  heading('3. What was fused: one line a kernel, for one token');
  const shape = { mode: 'decode', sequences: 1, tokensPerSequence: 1, context: 64, storage: 'f32', names };
  console.log(printKernelTable(kernelTable(compiled.graph, compiled.plan.program, shape)));
  await rm(OUT, { recursive: true, force: true });
  for (const [file, text] of files) {
    await mkdir(dirname(join(OUT, file)), { recursive: true });
    await writeFile(join(OUT, file), text);
  }
  console.log(
    `${files.size} files in ${relative(root, OUT)}/ after ${ms(since)}: a package with WGSL to read in kernels/`,
  );

  heading(`4. Loaded: ${CHECKPOINT}/model.safetensors, made by Hugging Face transformers`);
  const { installGPU, describeAdapter } = await import('@hyb/adapter');
  const gpu = await installGPU();
  const adapter = describeAdapter(await gpu.requestAdapter());
  console.log(
    `adapter: ${adapter.description || adapter.device}${adapter.software ? ' (software: there is no GPU here)' : ''}`,
  );
  since = performance.now();
  const { load } = await import(pathToFileURL(join(OUT, 'index.js')).href);
  const model = await load({ weights: join(root, CHECKPOINT, 'model.safetensors') });
  console.log(`weights on the device and kernels compiled after ${ms(since)}`);

  const { openFile, readSafetensors, readTensor } = await import('@hyb/runtime');
  const recording = await readSafetensors(await openFile(join(root, CHECKPOINT, 'golden.safetensors')));
  const recorded = async (name) => Array.from(await readTensor(recording.tensors.get(name)));
  const prompt = await recorded('prompt.tokens');
  const expected = await recorded('decode.tokens');

  heading(`5. Generated: ${expected.length} tokens after a prompt of ${prompt.length}`);
  since = performance.now();
  const tokens = [];
  for await (const { token } of model.generate(prompt, { maxTokens: expected.length, stopTokens: [] })) {
    tokens.push(token);
    process.stdout.write(`${token} `);
  }
  console.log(`\n${(tokens.length / ((performance.now() - since) / 1000)).toFixed(1)} tokens/s, the prompt included`);
  const same = tokens.join() === expected.join();
  console.log(same ? 'the same tokens as the original implementation' : `the original's tokens: ${expected.join(' ')}`);

  heading("6. Largest difference of the logits from the original implementation's (computed there in float64)");
  const worst = (actual, reference) => reference.reduce((most, v, i) => Math.max(most, Math.abs(v - actual[i])), 0);
  const [logits] = await model.logits([prompt]);
  const atPrompt = worst(logits, await recorded('prompt.logits'));
  const state = await model.state({ sequences: 1 });
  await model.prefill(state, [prompt]);
  const rows = [];
  for (const token of expected) rows.push(...(await model.decode(state, [token]))[0]);
  const decoding = worst(rows, await recorded('decode.logits'));
  console.log(`prompt, ${prompt.length} × ${model.info.vocab} logits: ${atPrompt.toExponential(1)}`);
  console.log(`decoding, ${expected.length} × ${model.info.vocab} logits: ${decoding.toExponential(1)}`);
  model.dispose();
  if (!(same && atPrompt < TOLERANCE && decoding < TOLERANCE))
    throw new Error(`more than ${TOLERANCE} from the original`);
  console.log(`All within ${TOLERANCE}.`);

  const { openDevice } = await import('@hyb/runtime');
  const { trainingDemo } = await import('./train.mjs');
  const device = await openDevice({ gpu });
  let part = 6;
  await trainingDemo(device, (text) => heading(`${++part}. ${text}`));
  device.dispose();
  console.log(
    `\nRead ${relative(root, join(OUT, 'README.md'))} or docs/training.md next, or write a model: npx hyb new`,
  );
}

await setup().then(demo).catch(fail);
