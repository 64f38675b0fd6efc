import { KernelBuilder } from '../../src/kernel/build.js';
import * as e from '../../src/kernel/expressions.js';
import { printWgsl } from '../../src/wgsl/index.js';

test('a literal that is shifted by a variable says its type', () => {
  const builder = new KernelBuilder();
  const bits = builder.buffer('bits', 'u32', 'read_write', 'bits');
  const shift = builder.let('shift', e.builtin('local_index'));
  const power = builder.let('power', e.shiftLeft(e.u32(1), shift));
  bits.set(shift, e.add(power, 1));
  const text = printWgsl(builder.finish({ name: 'powers', doc: 'powers', workgroupSize: [32, 1, 1] }));
  expect(text).toContain('1u << shift');
});
