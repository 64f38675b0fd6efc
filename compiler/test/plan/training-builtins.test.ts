/** Whatever a block can call trains: the example of every built-in function has a training program. */
import { check, planModel } from '../../src/compile.js';
import { memoryHost } from '../../src/sources/host.js';
import { builtins } from '../../src/trace/builtins/table.js';

const all = [...builtins().values()];

/** A model with an example in each of its layers. */
function modelOf(examples: readonly { readonly name: string; readonly example: string }[]): string {
  const blocks = examples.map(
    ({ name, example }) => `block Of_${name}(x: [time, width]) -> [time, width] {
${example}
}`,
  );
  const names = examples.map(({ name }) => `Of_${name}`);
  const fields = names.map((name) => `${name} = ${name}`);
  return `${blocks.join('\n')}
model Small { vocab = 16, width = 32, context = 64, ${fields.join(', ')}, layers = [${names.join(' ')}] }
`;
}

test.each([true, false])('fused: %p', (fused) => {
  expect(all.length).toBeGreaterThan(30);
  const { models, diagnostics } = check(memoryHost({ 'small.hyb': modelOf(all) }), 'small.hyb');
  expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
  const { program } = planModel(models[0]!, { training: true, probes: true, fused });
  expect(program.training!.stages).toHaveLength(all.length + 1);
});
