// Shows how much of the host's memory a checkpoint of over 1 GB takes while it is loaded, while tokens are generated with
// it, and while it is exported: the process's resident size less the device buffers, which a software adapter keeps in the
// process. Needs `npm run build`, 3 GB of disk and some minutes. With --write it puts the result into docs/memory.md.
import { spawn } from 'node:child_process';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compile, memoryHost, modelParameters, printWgsl } from '../compiler/dist/index.js';
import { machine, writePart } from './memory-page.mjs';
import { root, step } from './setup.mjs';

const BOUND = 256e6;
const SOURCE = `use std.{Attention, Mamba2, MLP, RMSNorm, relu2}

model Large {
  vocab   = 4096
  width   = 2048
  context = 4096

  M = Mamba2(heads = 64, head_dim = 64, state = 64, groups = 4)
  A = Attention(heads = 16, kv_heads = 4, head_dim = 128)
  F = MLP(inner = 4096, activation = relu2)

  norm   = { pre = RMSNorm }
  layers = [(M F)*3, A F, (M F)*3]
  head   = { norm = RMSNorm, tie = false }
}
`;

function compiledModel() {
  const { compiled, diagnostics } = compile(memoryHost({ 'large.hyb': SOURCE }), 'large.hyb');
  if (!compiled) throw new Error(diagnostics.map(({ message }) => message).join('\n'));
  return compiled;
}

/** Writes small values that differ, a piece at a time. */
async function writeCheckpoint(file) {
  const header = {};
  let end = 0;
  for (const { path, shape } of modelParameters(compiledModel().graph)) {
    const start = end;
    end += 4 * shape.reduce((a, b) => a * b, 1);
    header[path] = { dtype: 'F32', shape, data_offsets: [start, end] };
  }
  const text = Buffer.from(JSON.stringify(header));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(text.length));
  const handle = await open(file, 'w');
  await handle.writeFile(Buffer.concat([prefix, text]));
  const values = Float32Array.from({ length: 1 << 20 }, (_, i) => Math.sin(i) / 50);
  for (let at = 0; at < end; at += values.byteLength) {
    await handle.writeFile(new Uint8Array(values.buffer, 0, Math.min(values.byteLength, end - at)));
  }
  await handle.close();
  return end;
}

/** Runs in a process of its own: loads, generates, and measures. */
async function measure(file, storage) {
  const [{ createModel, openDevice }, { gpu }] = await Promise.all([
    import('../runtime/dist/index.js'),
    import('../adapter/dist/index.js'),
  ]);
  const { plan } = compiledModel();
  const kernels = Object.fromEntries([...plan.kernels].map(([name, kernel]) => [name, printWgsl(kernel)]));
  const device = await openDevice({ gpu: await gpu() });
  const { rss } = process.memoryUsage;
  // A buffer is cleared, and so takes memory, when it is first written to.
  const matrixOf = new Map(
    plan.program.matrices.flatMap((matrix) => matrix.parts.map((part) => [part.parameter, matrix])),
  );
  const begun = new Set();
  let loading = 0;
  const model = await createModel(plan.program, kernels, {
    device,
    weights: file,
    storage,
    onProgress: ({ tensor }) => {
      if (matrixOf.has(tensor)) begun.add(matrixOf.get(tensor));
      const buffers = [...begun].reduce((sum, { rows, columns }) => sum + rows * columns, 0);
      loading = Math.max(loading, rss() - buffers * (storage === 'f32' ? 4 : 2));
    },
  });
  const loaded = rss() - model.memory.total;
  let generating = 0;
  const prompt = Array.from({ length: 24 }, (_, i) => (37 * i) % 4096);
  for await (const token of model.generate(prompt, { maxTokens: 6 })) {
    if (token.prompt === 0) generating = Math.max(generating, rss() - model.memory.total);
  }
  const { weights } = model.memory;
  console.log(JSON.stringify({ device: device.name, weights, loading, loaded, generating }));
  model.dispose();
  device.dispose();
}

function run(args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
    let out = '';
    child.stdout.on('data', (data) => (out += data));
    child.on('close', (code) =>
      code === 0 ? resolve(out) : reject(new Error(`${args.join(' ')} ended with ${code}`)),
    );
  });
}

const EXPORT = `
  const { main } = await import(${JSON.stringify(new URL('../cli/dist/bundle/hyb.js', import.meta.url).href)});
  let most = 0;
  const timer = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 5);
  process.exitCode = await main(process.argv.slice(1));
  clearInterval(timer);
  console.log(JSON.stringify({ exporting: Math.max(most, process.memoryUsage.rss()) }));
`;

async function prove() {
  const folder = await mkdtemp(join(tmpdir(), 'hyb-memory-'));
  const file = join(folder, 'model.safetensors');
  const rows = [];
  const add = (what, bytes) => rows.push({ what, bytes });
  try {
    let size;
    await step('Write a checkpoint', async () => {
      size = await writeCheckpoint(file);
      return `${(size / 1e9).toFixed(2)} GB`;
    });
    let device;
    for (const storage of ['f32', 'bf16']) {
      await step(`Load it as ${storage} and generate`, async () => {
        const found = JSON.parse(await run([fileURLToPath(import.meta.url), '--measure', file, storage]));
        device = found.device;
        add(
          `loading as ${storage} (${(found.weights / 1e6).toFixed(0)} MB of weights on the device), at most`,
          found.loading,
        );
        add(`loaded as ${storage}`, found.loaded);
        add(`generating with ${storage} weights, at most`, found.generating);
      });
    }
    await step('Export it as bf16', async () => {
      await writeFile(join(folder, 'large.hyb'), SOURCE);
      const args = [
        'export',
        join(folder, 'large.hyb'),
        join(folder, 'out'),
        '-t',
        'hyb',
        '-w',
        file,
        '--shard-size',
        '200MB',
      ];
      const out = await run(['--input-type=module', '-e', EXPORT, '--', ...args]);
      add('exporting, at most (the whole resident size)', JSON.parse(out.trim().split('\n').at(-1)).exporting);
    });
    const width = Math.max(...rows.map(({ what }) => what.length));
    for (const { what, bytes } of rows)
      console.log(`${what.padEnd(width)}  ${(bytes / 1e6).toFixed(0).padStart(4)} MB`);
    if (process.argv.includes('--write')) await writePart('host', page({ size, device, rows }));
    const over = rows.filter(({ bytes }) => bytes > BOUND);
    console.log(over.length === 0 ? 'All below 256 MB.' : `${over.length} above 256 MB.`);
    process.exitCode = over.length === 0 ? 0 : 1;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function page({ size, device, rows }) {
  return `This is what \`npm run prove:memory\` measured with a checkpoint of ${(size / 1e9).toFixed(2)} GB in f32, as the process's
resident size less live device buffers. The bound is 256 MB.

| | MB |
| --- | ---: |
${rows.map(({ what, bytes }) => `| ${what} | ${(bytes / 1e6).toFixed(0)} |`).join('\n')}

${machine(device)}`;
}

const [, , mode, ...rest] = process.argv;
if (mode === '--measure') await measure(...rest);
else await prove();
