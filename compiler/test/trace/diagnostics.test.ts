/** Findings as a person sees them: place, expected and found, related places, fixes that repair. */
import type { Diagnostic } from '@hyb/grammar';
import { render } from '../support/compile.js';
import { applyFix, findings, layerSource } from '../support/source.js';

function rendered(source: string): string {
  return render(findings(source), source);
}

test('one run reports every error of a body', () => {
  const source = `block Many(heads: int, head_dim: int)(x: [time, width]) -> [time, width] {
  param up = linear(widht -> (heads, head_dim), bais = true)
  param scale: [width] @init(nromal(0.02))
  dim inner = heads * head_dim
  let a = x as [time, inner]
  let b = mean(x, time) + undefined_name
  let a = 2
  slot pre
  return scan (t in time, state h: [width] = 0) { h = h + x  yield h + t }
}`;
  expect(rendered(source)).toMatchSnapshot();
});

test('generic blocks are checked with symbolic dimensions', () => {
  const source = `/// Never used by a model.
block Mixed(heads: int, head_dim: int, bias = false)(x: [time, width]) -> [time, width] {
  dim inner = heads * head_dim
  param q = linear(width -> (heads, head_dim))
  param k = linear(width -> inner)
  param o = linear(inner -> width, bias)
  let y = q(x) + k(x)
  let z = k(x) as [time, head_dim, heads, 2]
  return o(q(x))
}

norm Half(x: [..., features]) -> [..., features] {
  dim half = features div 2
  let (a, b) = split(x, half, features)
  return a
}

fn first(x: [time, a, b]) -> [time, a] = sum(x, a)`;
  expect(rendered(source)).toMatchSnapshot();
});

test('errors in a library block point back to the layer that led to them', () => {
  const source = `use std.{Attention}
${layerSource('', 'Attention(heads = 3, kv_heads = 2, head_dim = 4)')}`;
  expect(render(findings(source), { 'main.hyb': source, 'hyb:std/attention.hyb': '' })).toMatchSnapshot();
});

test.each([
  ['block B(x: [time, width]) -> [time, width] {\n  return sigmiod(x)\n}'],
  ['block B(x: [time, width]) -> [time, width] {\n  param up = linar(width -> width)\n  return up(x)\n}'],
  ['block B(x: [time, width]) -> [time, width] {\n  return x - mean(x, widht)\n}'],
  ['block B(x: [time, width]) -> [time, width] {\n  return clamp(x, lwo = 0, high = 1)\n}'],
  ['block B(n: itn = 2)(x: [time, width]) -> [time, width] {\n  return n * x\n}'],
  [
    'block B(x: [time, width]) -> [time, width] {\n  return scan (t in time, state h: [width] = 0) { h = h + x  yield h }\n}',
  ],
  [
    'block B(x: [time, width]) -> [time, width] {\n  return scan (t in width, state h: [width] = 0) { h = h + x[t]  yield h }\n}',
  ],
  [
    'block B(x: [time, width]) -> [time, width] {\n  return scan (t in time, state total: [width] = 0) { totl = total + x[t]  yield total }\n}',
  ],
  [
    'block B(x: [time, width]) -> [time, width] {\n  dim half = width div 2\n  param up = linear(width -> (2, half))\n  param down = linear(width -> width)\n  return down(up(x))\n}',
  ],
  [
    'block B(x: [time, width]) -> [time, width] {\n  dim half = width div 2\n  param up = linear(width -> (2, half))\n  return up(x)\n}',
  ],
])('a fix repairs: %s', (source) => {
  const fixable = (all: readonly Diagnostic[]) => all.find((d) => d.fixes.length > 0);
  let text = source;
  const first = fixable(findings(text));
  expect(first).toBeDefined();
  for (let i = 0; i < 4; i++) {
    const next = fixable(findings(text));
    if (next !== undefined) text = applyFix(text, next.fixes[0]!);
  }
  expect(render(findings(text), text)).toBe('');
});

test('what an import could not find is not reported again by the bodies that use it', () => {
  const found = findings(
    'use std.{Missing, nothing}\nblock B(x: [time, width]) -> [time, width] {\n  param m = Missing(2)\n  slot s = Missing\n  return nothing(m(s(x)))\n}',
  );
  expect(found.map((d) => d.code)).toEqual(['HYB1005', 'HYB1005']);
});
