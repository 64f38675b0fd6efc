/** Functions along dimensions: reductions, and tensors in other shapes. */
import type { NodeId } from '../../graph/graph.js';
import type { ReductionName } from '../../ops/attributes.js';
import { describeDims, describeSizes } from '../elaborate/describe.js';
import { addNode, addTensor, fail, nodeType } from '../elaborate/frame.js';
import type { Frame } from '../elaborate/frame.js';
import { broadcasts } from '../elaborate/operators.js';
import { plainDim } from '../elaborate/shape.js';
import { FAILED, tuple } from '../elaborate/values.js';
import type { SizedDim, Value } from '../elaborate/values.js';
import type { Builtin, BuiltinCall, BuiltinParameter } from './builtin.js';
import { readDim, readDimsOf, readParts, readRenamings, readTensor, readTensors, spanOf } from './read.js';

const x: BuiltinParameter = { name: 'x', kind: 'tensor', doc: 'The tensor.' };

function reduction(op: ReductionName, doc: string): Builtin {
  return {
    name: op,
    category: 'reduction',
    signature: `${op}(x, dim, …)`,
    doc,
    example: `return x - ${op}(x, width)`,
    parameters: [x, { name: 'dim', kind: 'dimensions', doc: 'Dimensions that go away; never `time`.', rest: true }],
    apply: (call) => {
      const node = readTensor(call, 'x');
      const dims = node === undefined ? undefined : readDimsOf(call, 'dim', node);
      if (node === undefined || dims === undefined) return FAILED;
      return addTensor(call.frame, op, [node], { dims: dims.map((d) => d.name) }, call.span);
    },
  };
}

const softmax: Builtin = {
  name: 'softmax',
  category: 'reduction',
  signature: 'softmax(x, dim)',
  doc: 'exp(x) over its sum along the dimension, without overflow.',
  example: 'return softmax(x, width)',
  parameters: [x, { name: 'dim', kind: 'dimensions', doc: 'The dimension along which the result sums to 1.' }],
  apply: (call) => {
    const { frame, span } = call;
    const node = readTensor(call, 'x');
    const dims = node === undefined ? undefined : readDimsOf(call, 'dim', node);
    if (node === undefined || dims === undefined) return FAILED;
    const names = { dims: dims.map((d) => d.name) };
    const largest = addNode(frame, 'amax', [node], names, span)!;
    const shifted = addNode(frame, 'sub', [node, largest], {}, span)!;
    const exponentials = addNode(frame, 'exp', [shifted], {}, span)!;
    const total = addNode(frame, 'sum', [exponentials], names, span)!;
    return addTensor(frame, 'div', [exponentials, total], {}, span);
  },
};

const dot: Builtin = {
  name: 'dot',
  category: 'reduction',
  signature: 'dot(x, y, dim)',
  doc: 'Sum of x * y along the dimension.',
  example: 'return x * dot(x, x, width)',
  parameters: [
    x,
    { name: 'y', kind: 'tensor', doc: 'The other tensor.' },
    { name: 'dim', kind: 'dimensions', doc: 'The dimension that goes away.' },
  ],
  apply: (call) => {
    const [a, b] = [readTensor(call, 'x'), readTensor(call, 'y')];
    if (a === undefined || b === undefined || !broadcasts(a, b, call.frame, call.span)) return FAILED;
    const product = addNode(call.frame, 'mul', [a, b], {}, call.span);
    const dims = product === undefined ? undefined : readDimsOf(call, 'dim', product);
    if (product === undefined || dims === undefined) return FAILED;
    return addTensor(call.frame, 'sum', [product], { dims: dims.map((d) => d.name) }, call.span);
  },
};

function sizeOf(dims: readonly SizedDim[]): number {
  return dims.reduce((n, d) => (d.extent === 'time' ? n : n * d.extent), 1);
}

const split: Builtin = {
  name: 'split',
  category: 'shape',
  signature: 'split(x, a, (b, c), …)',
  doc: 'Cuts the last dimension into consecutive parts, each a dimension or several: a tuple of tensors.',
  example: 'dim half = width div 2\nlet (a, b) = split(x, half, half)\nreturn concat(b, a, width)',
  parameters: [
    x,
    { name: 'part', kind: 'part', doc: 'Dimensions of each part; their sizes add up to the whole.', rest: true },
  ],
  apply: (call) => {
    const { frame, span } = call;
    const node = readTensor(call, 'x');
    const parts = readParts(call, 'part');
    if (node === undefined || parts === undefined) return FAILED;
    const { dims } = nodeType(frame, node);
    const last = dims.at(-1);
    const total = parts.reduce((n, part) => n + sizeOf(part), 0);
    if (last === undefined || last.extent === 'time' || last.extent !== total) {
      const expected = last === undefined ? 'a last dimension' : describeSizes([last], frame.unit);
      const sizes = parts.map((part) => part.map((d) => describeSizes([d], frame.unit).slice(1, -1)).join(' * '));
      fail(frame, 'HYB3064', span, {}, { expected, found: sum(sizes, total, frame) });
      return FAILED;
    }
    let start = 0;
    return tuple(
      parts.map((part) => {
        const end = start + sizeOf(part);
        const value = cut(call, node, last.name, start, end, part);
        start = end;
        return value;
      }),
    );
  },
};

/** `a: 2 + b: 3 = 5`; in a generic check sizes have no numbers. */
function sum(parts: readonly string[], total: number, { unit }: Frame): string {
  return unit.generic === undefined ? `${parts.join(' + ')} = ${total}` : parts.join(', ');
}

function cut(
  call: BuiltinCall,
  node: NodeId,
  from: string,
  start: number,
  end: number,
  part: readonly SizedDim[],
): Value {
  const { frame, span } = call;
  const { dims } = nodeType(frame, node);
  const kept = dims.slice(0, -1);
  const twice = part.find((d) => kept.some((k) => k.name === d.name));
  if (twice !== undefined) {
    fail(
      frame,
      'HYB3017',
      twice.span ?? span,
      { name: twice.name },
      { found: describeDims([...kept, ...part], frame.unit) },
    );
    return FAILED;
  }
  const only = part.length === 1 ? part[0]! : undefined;
  let name = only?.name ?? part.map((d) => d.name).join('_');
  while (only === undefined && kept.some((d) => d.name === name)) name += '_';
  const whole = start === 0 && end === dims.at(-1)!.extent;
  if (whole && only?.name === from) return { kind: 'tensor', tape: frame.tape, node };
  const slice = addNode(frame, 'slice', [node], { dim: from, start, end, name }, span);
  if (slice === undefined) return FAILED;
  if (only !== undefined) return { kind: 'tensor', tape: frame.tape, node: slice };
  return addTensor(frame, 'reshape', [slice], { dims: [...kept, ...part.map(plainDim)] }, span);
}

const concat: Builtin = {
  name: 'concat',
  category: 'shape',
  signature: 'concat(x, y, …, dim)',
  doc: 'Joins tensors along their last dimensions, which become `dim`; the other dimensions agree.',
  example: 'dim half = width div 2\nlet (a, b) = split(x, half, half)\nreturn concat(-b, a, width)',
  parameters: [
    { ...x, name: 'parts', doc: 'Two or more tensors, then the dimension that their last ones become.', rest: true },
  ],
  apply: (call) => {
    const { frame, span } = call;
    const all = call.arguments.get('parts') ?? [];
    if (all.length < 2) {
      fail(frame, 'HYB3002', span, { callee: 'concat', missing: "'dim'" });
      return FAILED;
    }
    const dimension: BuiltinCall = { ...call, arguments: new Map([['dim', all.slice(-1)]]) };
    const nodes = readTensors({ ...call, arguments: new Map([['parts', all.slice(0, -1)]]) }, 'parts');
    const to = readDim(dimension, 'dim');
    if (nodes === undefined || to === undefined) return FAILED;
    return join(call, nodes, to);
  },
};

function join(call: BuiltinCall, nodes: readonly NodeId[], to: SizedDim): Value {
  const { frame, span } = call;
  const lasts = nodes.map((node) => nodeType(frame, node).dims.at(-1));
  const total = lasts.reduce((n, d) => n + (d === undefined || d.extent === 'time' ? NaN : d.extent), 0);
  if (to.extent === 'time' || Number.isNaN(total)) {
    fail(frame, 'HYB3023', to.span ?? span, {});
    return FAILED;
  }
  if (total !== to.extent) {
    const parts = lasts.map((d) => describeSizes([d!], frame.unit).slice(1, -1));
    fail(frame, 'HYB3064', span, {}, { expected: describeSizes([to], frame.unit), found: sum(parts, total, frame) });
    return FAILED;
  }
  const first = nodeType(frame, nodes[0]!).dims;
  const parts: NodeId[] = [];
  for (const [i, node] of nodes.entries()) {
    const { dims } = nodeType(frame, node);
    const agrees =
      dims.length === first.length &&
      dims.slice(0, -1).every((d, k) => d.name === first[k]!.name && d.extent === first[k]!.extent);
    if (!agrees) {
      fail(
        frame,
        'HYB3010',
        call.arguments.get('parts')![i]!.span,
        { what: 'This part' },
        {
          expected: `[${[...first.slice(0, -1).map((d) => d.name), '_'].join(', ')}]`,
          found: describeDims(dims, frame.unit),
        },
      );
      return FAILED;
    }
    parts.push(renamed(frame, node, lasts[i]!.name, to.name));
  }
  return addTensor(frame, 'concat', parts, { dim: to.name, name: to.name }, span);
}

function renamed(frame: Frame, node: NodeId, from: string, to: string): NodeId {
  return from === to ? node : frame.tape.builder.add('rename', [node], { names: { [from]: to } });
}

const rename: Builtin = {
  name: 'rename',
  category: 'shape',
  signature: 'rename(x, old -> new, …)',
  doc: 'The same tensor with other names for its dimensions, such as to multiply each element with each other.',
  example: 'dim other = width\nreturn sum(rename(x, width -> other) * x, other)',
  parameters: [x, { name: 'names', kind: 'renaming', doc: 'Old and new name of each dimension.', rest: true }],
  apply: (call) => {
    const { frame, span } = call;
    const node = readTensor(call, 'x');
    const names = node === undefined ? undefined : readRenamings(call, 'names', node);
    if (node === undefined || names === undefined) return FAILED;
    const after = nodeType(frame, node).dims.map((d) => (Object.hasOwn(names, d.name) ? names[d.name]! : d.name));
    const twice = after.find((n, i) => after.indexOf(n) < i);
    if (twice !== undefined) {
      fail(frame, 'HYB3017', span, { name: twice }, { found: `[${after.join(', ')}]` });
      return FAILED;
    }
    return addTensor(frame, 'rename', [node], { names }, span);
  },
};

const transpose: Builtin = {
  name: 'transpose',
  category: 'shape',
  signature: 'transpose(x, dim, …)',
  doc: 'The dimensions in another order, all of them but `time`. Only `as` and `split` ask for an order.',
  example:
    'dim half = width div 2\nlet pairs = x as [time, 2, half]\nreturn transpose(pairs, half, 2) as [time, width]',
  parameters: [x, { name: 'dim', kind: 'dimensions', doc: 'All dimensions but `time`.', rest: true }],
  apply: (call) => {
    const { frame, span } = call;
    const node = readTensor(call, 'x');
    const order = node === undefined ? undefined : readDimsOf(call, 'dim', node);
    if (node === undefined || order === undefined) return FAILED;
    const { dims } = nodeType(frame, node);
    const time = dims.filter((d) => d.extent === 'time');
    if (order.length + time.length !== dims.length) {
      const expected = describeDims(dims, frame.unit);
      fail(
        frame,
        'HYB3010',
        spanOf(call, 'dim'),
        { what: "The order of 'transpose'" },
        { expected, found: describeDims(order, frame.unit) },
      );
      return FAILED;
    }
    return addTensor(frame, 'transpose', [node], { order: [...time, ...order].map((d) => d.name) }, span);
  },
};

export const TENSORS: readonly Builtin[] = [
  reduction('sum', 'Sum along dimensions.'),
  reduction('mean', 'Mean along dimensions.'),
  reduction('amax', 'Largest element along dimensions.'),
  reduction('amin', 'Smallest element along dimensions.'),
  softmax,
  dot,
  split,
  concat,
  rename,
  transpose,
];
