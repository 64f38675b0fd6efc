import { createBodyBuilder } from '../../src/graph/body-builder.js';
import { createGraphBuilder } from '../../src/graph/builder.js';
import { TIME, dim, printType, tensor } from '../../src/graph/types.js';
import { ShapeError } from '../../src/ops/op.js';

const vector = (path: string, name: string, extent: number) =>
  ({ path, type: tensor([dim(name, extent)]), init: { kind: 'constant', value: 1 }, role: 'vector' }) as const;

describe('the graph builder', () => {
  test('shares equal nodes and gives types by the shape rules', () => {
    const b = createGraphBuilder({ width: 8 });
    const x = b.input('x');
    expect(b.add('input', [], { name: 'x' })).toBe(x);
    const square = b.add('mul', [x, x], {});
    expect(b.add('mul', [x, x], {}, { label: 'square' })).toBe(square);
    expect(printType(b.typeOf(b.add('mean', [square], { dims: ['width'] })))).toBe('f32[time]');
  });

  test('tells constants apart that JSON would not', () => {
    const b = createGraphBuilder({ width: 8 });
    const values = [0, -0, Infinity, -Infinity, NaN, 1];
    expect(new Set(values.map((v) => b.constant(v))).size).toBe(values.length);
  });

  test('finish leaves out what is not needed, keeps parameters and the order', () => {
    const b = createGraphBuilder({ width: 8 });
    const x = b.input('x');
    b.add('exp', [x], {});
    const w = b.parameter(vector('weight', 'width', 8));
    b.parameter(vector('unused', 'width', 8));
    const graph = b.finish('T', b.add('mul', [x, w], {}, { label: 'scaled' }));
    expect(graph.nodes.map((n) => n.op)).toEqual(['input', 'parameter', 'parameter', 'mul']);
    expect(graph.nodes[graph.output]).toMatchObject({ inputs: [0, 1], label: 'scaled' });
    expect(graph.parameters.map((p) => p.path)).toEqual(['weight', 'unused']);
  });

  test('a parameter has one type', () => {
    const b = createGraphBuilder({ width: 8 });
    const w = b.parameter(vector('weight', 'width', 8));
    expect(b.parameter(vector('weight', 'width', 8))).toBe(w);
    expect(() => b.parameter(vector('weight', 'width', 9))).toThrow(ShapeError);
  });
});

describe('the body builder', () => {
  const x = tensor([TIME, dim('width', 4)]);
  test('makes a body that scan accepts', () => {
    const b = createGraphBuilder({ width: 4 });
    const body = createBodyBuilder([tensor([dim('width', 4)])], [x]);
    const next = body.add('add', [body.state(0), body.input(0, 1)], {});
    const scanned = b.add('scan', [b.constant(0), b.input('x')], { body: body.finishBody([next], next) });
    expect(printType(b.typeOf(scanned))).toBe('f32[time, width: 4]');
  });
  test('refuses ops over time, later tokens, and values that do not fit', () => {
    const body = createBodyBuilder([tensor([dim('width', 4)])], [x, tensor([dim('width', 4)])]);
    expect(() => body.add('position', [], {})).toThrow(/cannot stand in a scan/);
    expect(() => body.input(0, -1)).toThrow(/earlier/);
    expect(() => body.input(1, 1)).toThrow(/over time/);
    const total = body.add('sum', [body.state(0)], { dims: ['width'] });
    expect(() => body.finishBody([total], total)).toThrow(/does not fit the state/);
  });
});
