/** The ends of a model: from tokens to the residual stream, and from there to logits. */
import { dim, tensor } from '../graph/types.js';
import type { NodeId } from '../graph/graph.js';
import type { Model } from '../model/model.js';
import { DEFAULT_STD } from './elaborate/initializer.js';
import { addNode, fail } from './elaborate/frame.js';
import type { Frame, Unit } from './elaborate/frame.js';
import { applyNorm } from './elaborate/slot.js';
import { createUnit, finish } from './template.js';
import type { TraceOptions, Traced } from './template.js';

/** tokens → embedding table → scale. */
export function traceEmbedding(model: Model, options: TraceOptions): Traced {
  const unit = createUnit(options);
  const frame = endFrame(unit);
  const { builder } = unit.layer;
  const before = unit.diagnostics.errors;
  const dims = [dim('vocab', model.vocab), dim('width', model.width)];
  if (!Number.isSafeInteger(model.vocab * model.width)) {
    fail(frame, 'HYB3016', model.span, { what: "the size of the embedding, 'vocab' times 'width'," });
    return finish(unit, options, undefined, before);
  }
  const path = 'weight';
  unit.declared.set(path, { name: path, span: model.span, norm: false });
  const table = builder.parameter({
    path,
    type: tensor(dims),
    init: { kind: 'normal', std: DEFAULT_STD },
    role: 'matrix',
  });
  let x = addNode(frame, 'embed', [builder.input('tokens'), table], {}, model.span, 'embedded')!;
  const { scale } = model.embedding;
  if (scale !== 1) x = addNode(frame, 'mul', [x, builder.constant(scale)], {}, model.span, 'scaled')!;
  return finish(unit, options, unit.rounder.round(frame, x, { role: 'activations' }), before);
}

/** Norm → linear map to the vocabulary → cap. Logits are not rounded: sampling and the loss see them in f32. */
export function traceHead(model: Model, options: TraceOptions): Traced {
  const { head, vocab, width, span } = model;
  const unit = createUnit({ ...(head.norm !== undefined && { instance: head.norm.span }), ...options });
  const frame = endFrame(unit);
  const { builder } = unit.layer;
  const before = unit.diagnostics.errors;
  // That the table is too large is said of the embedding.
  if (!Number.isSafeInteger(vocab * width)) return finish(unit, options, undefined, before);
  let x: NodeId | undefined = builder.input('x');
  if (head.norm !== undefined) {
    const value = applyNorm(
      head.norm,
      'norm',
      { kind: 'tensor', tape: unit.layer, node: x },
      head.norm.span,
      frame,
      head.norm.span,
    );
    x = value.kind === 'tensor' ? value.node : undefined;
  }
  let logits: NodeId | undefined;
  if (x !== undefined) {
    const out = [dim('vocab', vocab)];
    const weight = {
      path: 'weight',
      type: tensor([...out, dim('width', width)]),
      init: { kind: 'normal', std: DEFAULT_STD },
      role: 'matrix',
    } as const;
    unit.declared.set(weight.path, { name: weight.path, span, norm: false });
    const operand = unit.rounder.round(frame, x, { role: 'activations', operand: true });
    const inputs = [operand, builder.parameter(weight)];
    if (head.bias) {
      const bias = { path: 'bias', type: tensor(out), init: { kind: 'constant', value: 0 }, role: 'vector' } as const;
      unit.declared.set(bias.path, { name: bias.path, span, norm: false });
      inputs.push(builder.parameter(bias));
    }
    logits = addNode(frame, 'linear', inputs, { in: ['width'], out }, span, 'logits');
  }
  if (logits !== undefined && head.cap !== undefined) {
    const cap = builder.constant(head.cap);
    const bent = addNode(frame, 'tanh', [addNode(frame, 'div', [logits, cap], {}, span)!], {}, span)!;
    logits = addNode(frame, 'mul', [cap, bent], {}, span, 'capped');
  }
  return finish(unit, options, logits, before);
}

function endFrame(unit: Unit): Frame {
  return {
    unit,
    owner: 'block',
    name: 'model',
    scope: { file: '', lookup: () => undefined, names: () => [] },
    tape: unit.layer,
    bindings: new Map(),
    path: '',
    taken: new Set(),
    open: [],
    applications: new Map(),
    slots: {},
    place: { name: 'result', used: new Map() },
  };
}
