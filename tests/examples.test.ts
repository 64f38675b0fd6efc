/** Blocks of one's own as kernels: fused and unfused in the checking interpreter, against the f64 reference. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { check, evaluateModel, parameterPath, planModel } from '@hyb/compiler';
import { InterpretedProgram } from '../compiler/test/support/program.js';
import { random } from '../compiler/test/support/random.js';
import { root } from './support/bundle.js';

const FILES = readdirSync(join(root, 'examples/blocks')).filter((f) => f.endsWith('.hyb'));
const host = {
  read: (path: string): string | undefined =>
    path.startsWith('examples/') ? readFileSync(join(root, path), 'utf8') : undefined,
};
// f32 against f64 over a few layers and a recurrence of two dozen tokens: some hundred roundings of 2^-24, with room.
const TOLERANCE = 1e-4;

describe.each(FILES)('%s', (file) => {
  const checked = check(host, `examples/blocks/${file}`, { exact: true });
  expect(checked.diagnostics.filter((d) => d.severity === 'error')).toEqual([]);
  const model = checked.models[0]!;
  const r = random(3);
  const parameters = new Map(
    model.graph.instances.flatMap((instance) =>
      model.graph.graphs[instance.graph]!.parameters.map((p) => {
        const shape = p.type.dims.map((d) => d.extent as number);
        const scale = p.role === 'matrix' ? 1 / Math.sqrt(shape[shape.length - 1]!) : 0.3;
        const data = Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () =>
          Math.fround(scale * r.normal()),
        );
        return [parameterPath(instance, p.path), { shape, data }] as const;
      }),
    ),
  );
  const { vocab } = model.graph;
  const prompts = [13, 1, 24].map((n) => Array.from({ length: n }, () => r.integer(0, vocab)));
  const next = prompts.map(() => r.integer(0, vocab));
  const whole = prompts.map(
    (tokens, i) =>
      evaluateModel(model.graph, parameters, [{ tokens: [...tokens, next[i]!] }]).sequences[0]!.logits.data,
  );

  test.each([true, false])('prefill of ragged prompts and a decoding step, fused: %s', (fused) => {
    const program = new InterpretedProgram(planModel(model, { fused }), (path) => parameters.get(path)!.data, {
      slots: 3,
      capacity: 64,
    });
    const close = (actual: Float32Array, start: number, expected: Float64Array): void => {
      let most = 0;
      expected.forEach((v, i) => (most = Math.max(most, Math.abs(v - actual[start + i]!))));
      expect(most).toBeLessThan(TOLERANCE);
    };
    const first = program.feed(prompts, 'prefill');
    let start = 0;
    prompts.forEach((tokens, i) => {
      close(first, start, whole[i]!.subarray(0, tokens.length * vocab));
      start += tokens.length * vocab;
    });
    const second = program.feed(
      next.map((token) => [token]),
      'decode',
    );
    next.forEach((_, i) => close(second, i * vocab, whole[i]!.subarray(prompts[i]!.length * vocab)));
    expect(program.faults).toEqual([]);
  });
});

test('the compiler and the runtime have never heard of them', () => {
  const names = FILES.flatMap((f) =>
    [...readFileSync(join(root, 'examples/blocks', f), 'utf8').matchAll(/^block (\w+)/gm)].map((m) => m[1]!),
  );
  expect(names.length).toBeGreaterThanOrEqual(3);
  const sources = ['compiler', 'runtime'].flatMap((p) =>
    readdirSync(join(root, p, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((f) => f.endsWith('.ts'))
      .map((f) => readFileSync(join(root, p, 'src', f), 'utf8')),
  );
  for (const name of names) for (const text of sources) expect(text).not.toContain(name);
});
