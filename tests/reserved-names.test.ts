/**
 * Names that mean something to WGSL, to TypeScript or to JavaScript's objects, as names of a user's own: they compile to
 * modules that the WGSL compiler takes and packages that type-check, and what runs is what was meant.
 */
import { gpu } from '@hyb/adapter';
import { check, evaluateModel, memoryHost, modelParameters, parameterPath, planModel, printWgsl } from '@hyb/compiler';
import type { CheckedModel } from '@hyb/compiler';
import { emit } from '@hyb/compiler/emit/emit';
import { WGSL_PREDECLARED, WGSL_RESERVED } from '@hyb/compiler/wgsl/reserved';
import { createModel, openDevice } from '@hyb/runtime';
import ts from 'typescript';
import { compilerMessages, moduleSource } from '../compiler/test/support/kernel-device.js';
import { typeErrors } from '../compiler/test/support/package-types.js';
import { random } from '../compiler/test/support/random.js';
import { safetensors } from './support/safetensors.js';

const TYPESCRIPT = Array.from({ length: ts.SyntaxKind.LastKeyword - ts.SyntaxKind.FirstKeyword + 1 }, (_, i) =>
  ts.tokenToString(ts.SyntaxKind.FirstKeyword + i)!,
);
const OBJECTS = [...Object.getOwnPropertyNames(Object.prototype), 'prototype', 'length', 'then', 'name', 'arguments'];
const NAMES = [...new Set([...WGSL_RESERVED, ...WGSL_PREDECLARED, ...TYPESCRIPT, ...OBJECTS])].filter((name) =>
  /^[A-Za-z_]\w*$/.test(name),
);
/** What Hyb itself gives a meaning to inside of blocks. */
const OWN = new Set(['time', 'width', 'true', 'false', 'none', 'let', 'param', 'return', 'x', 't', 'scan', 'yield']);

function compiled(source: string, model?: string): CheckedModel {
  const options = { exact: true, ...(model === undefined ? {} : { model }) };
  const { models, diagnostics } = check(memoryHost({ 'm.hyb': source }), 'm.hyb', options);
  expect(diagnostics.map(({ message }) => message)).toEqual([]);
  return models[0]!;
}

/** A block whose parameters, values and states have such names: every one is used. */
function block(name: string, inner: readonly string[]): string {
  const [matrix, map, state, value, ...vectors] = inner as [string, string, string, string, ...string[]];
  return `block ${name}(x: [time, width]) -> [time, width] {
  param ${matrix} = linear(width -> width)
  param ${map} = conv1d(width, 3)
${vectors.map((vector) => `  param ${vector}: [width] = 1`).join('\n')}
  let ${value} = ${map}(${matrix}(x))
  let done = scan (t in time, state ${state}: [width] = 0) {
    ${state} = 0.5 * ${state} + ${value}[t]
    yield ${state}
  }
  return done${vectors.map((vector) => ` * ${vector}`).join('')}
}
`;
}

function chunks<T>(list: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, i) => list.slice(i * size, (i + 1) * size));
}

describe.each(
  chunks(
    NAMES.filter((name) => !OWN.has(name)),
    60,
  ).map((names) => [names[0]!, names] as const),
)('from %s on', (_, names) => {
  const groups = chunks(names, 12).filter((group) => group.length >= 4);
  const sources = groups.map((group, i) => block(`B${i}`, group)).join('\n');
  const layers = groups.map((_, i) => `B${i}`).join(' ');
  const source = `${sources}
model M { vocab = 8  width = 8  context = 64
${groups.map((_, i) => `  B${i} = B${i}`).join('\n')}
  layers = [${layers}] }`;

  test.each([true, false])('WGSL, fused: %s', async (fused) => {
    const { kernels } = planModel(compiled(source), { fused });
    for (const kernel of kernels.values()) {
      const buffers = Object.fromEntries(
        kernel.buffers.map(({ name }) => [name, { storage: 'f32', values: new Float32Array() }]),
      );
      const messages = await compilerMessages(moduleSource(kernel, { buffers } as never));
      expect({ source: messages.length > 0 ? printWgsl(kernel) : '', messages }).toEqual({ source: '', messages: [] });
    }
  });
});

test('models, blocks and layers of such names make packages that type-check', async () => {
  const names = NAMES.filter((name) => !['true', 'false', 'none', 'time', 'width'].includes(name));
  const fields = new Set(['vocab', 'width', 'context', 'norm', 'layers', 'head', 'weights', 'precision', 'shared']);
  const aliases = names.filter((name) => !fields.has(name));
  const source = names.map((name) => `block ${name}(x: [time, width]) -> [time, width] { return x }`).join('\n');
  const model = `model M { vocab = 8  width = 8  context = 64
${aliases.map((name) => `  ${name} = ${name}`).join('\n')}
  layers = [${aliases.join(' ')}] }`;
  const plan = planModel(compiled(`${source}\n${model}`));
  expect(plan.program.model.layers.map(({ alias }) => alias)).toEqual(aliases);
  expect(typeErrors(await emit(plan, { runtimeVersion: '0.1.0' }))).toEqual([]);
  const named = `${block('B0', ['a', 'b', 'c', 'd'])}
model await { vocab = 8  width = 8  context = 64  B = B0  layers = [B] }`;
  expect(typeErrors(await emit(planModel(compiled(named)), { runtimeVersion: '0.1.0' }))).toEqual([]);
}, 120_000);

test('what runs is what was meant', async () => {
  const source = `fn array(x) = max(x, 0)
${block('class', ['__proto__', 'function', 'workgroup', 'vec4', 'export', 'override', 'constructor', 'f32'])}
block enum(__proto__: int, constructor = 1.0, valueOf: fn = array)(x: [time, width]) -> [time, width] {
  param toString = linear(width -> __proto__)
  param fn = linear(__proto__ -> width)
  return fn(valueOf(toString(x))) * constructor
}
model await { vocab = 16  width = 8  context = 64
  class = class
  enum = enum(__proto__ = 6, constructor = 0.5)
  layers = [class enum]
}`;
  const checked = compiled(source);
  const r = random(5);
  const parameters = new Map(
    checked.graph.instances.flatMap((instance) =>
      checked.graph.graphs[instance.graph]!.parameters.map(({ path, type }) => {
        const shape = type.dims.map(({ extent }) => extent as number);
        const data = Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => Math.fround(r.normal() / 2));
        return [parameterPath(instance, path), { shape, data }] as const;
      }),
    ),
  );
  const file = safetensors(
    new Map(
      modelParameters(checked.graph).map(({ path, shape }) => [path, { shape, data: parameters.get(path)!.data }]),
    ),
  );
  const { program, kernels } = planModel(checked);
  const sources = Object.fromEntries([...kernels].map(([name, kernel]) => [name, printWgsl(kernel)]));
  const device = await openDevice({ gpu: await gpu() });
  const model = await createModel(program, sources, { device, weights: file });
  try {
    const tokens = Array.from({ length: 9 }, () => r.integer(0, 16));
    const [found] = await model.logits([tokens]);
    const expected = evaluateModel(checked.graph, parameters, [{ tokens }]).sequences[0]!.logits.data;
    const scale = Math.max(...expected.map(Math.abs));
    // Some dozens of roundings of 2^-24 each.
    expected.forEach((value, i) => expect(Math.abs(value - found![i]!)).toBeLessThan(1e-5 * scale));
  } finally {
    model.dispose();
    device.dispose();
  }
});
