/** Every built-in function's own example compiles, and its signature speaks of its parameters. */
import { INITIALIZERS } from '../../src/trace/builtins/initializers.js';
import { MODULES } from '../../src/trace/builtins/modules.js';
import { SCALINGS } from '../../src/trace/builtins/rope.js';
import { builtins } from '../../src/trace/builtins/table.js';
import { findings } from '../support/source.js';

function block(...lines: readonly string[]): string {
  return `block Example(x: [time, width]) -> [time, width] {\n${lines.map((line) => `  ${line}`).join('\n')}\n}\n`;
}

const all = [...builtins().values(), ...SCALINGS];

test.each(all.map((builtin) => [builtin.name, builtin] as const))(
  '%s',
  (name, { example, signature, parameters, doc }) => {
    expect(findings(block(...example.split('\n')))).toEqual([]);
    expect(example).toContain(`${name}(`);
    expect(signature.startsWith(`${name}(`)).toBe(true);
    expect(doc).toMatch(/[.\]]$/);
    for (const parameter of parameters.filter((p) => p.default !== undefined))
      expect(signature).toContain(parameter.name);
  },
);

test.each(Object.entries(INITIALIZERS))('@init(%s)', (name, { example, signature }) => {
  const parameter = /param (\w+)/.exec(example)![1]!;
  const use = example.includes('linear') ? `${parameter}(x)` : `x * ${parameter}`;
  expect(findings(block(example, `return ${use}`))).toEqual([]);
  expect(signature.startsWith(`${name}(`)).toBe(true);
});

test.each(Object.values(MODULES).map((module) => [module.name, module] as const))('param = %s', (name, module) => {
  expect(findings(block(...module.example.split('\n')))).toEqual([]);
  expect(module.example).toContain(`= ${name}(`);
  for (const { name: parameter, optional } of module.parameters)
    if (optional) expect(module.signature).toContain(parameter);
});
