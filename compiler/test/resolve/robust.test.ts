/** Whatever the source, the compiler answers with findings, and soon. */
import fc from 'fast-check';
import { compile, model } from '../support/compile.js';
import { modelSources } from '../support/models.js';

const files = Object.keys(modelSources);

/** Pieces that stand in real files, put together without sense. */
const words = [
  ...new Set(
    Object.values(modelSources).flatMap((text) => text.match(/[A-Za-z_]\w*|\d[\d_.e+-]*|"[^"\n]*"|\S/g) ?? []),
  ),
];

function survives(text: string, file = 'main.hyb'): void {
  const start = process.cpuUsage();
  const { diagnostics, models } = compile({ ...modelSources, [file]: text }, file);
  // Far over what any takes: a guard against work without bounds, not a measurement.
  expect(process.cpuUsage(start).user / 1e6).toBeLessThan(20);
  for (const { span, fixes, related } of diagnostics) {
    for (const place of [
      span,
      ...related.map((r) => r.span),
      ...fixes.flatMap((fix) => fix.edits.map((edit) => edit.span)),
    ]) {
      expect(place.start).toBeLessThanOrEqual(place.end);
    }
  }
  if (!diagnostics.some((d) => d.severity === 'error')) expect(models.length).toBeGreaterThanOrEqual(0);
}

test('a file with a piece cut out', () => {
  fc.assert(
    fc.property(fc.constantFrom(...files), fc.nat(4000), fc.nat(200), (file, at, length) => {
      const text = modelSources[file]!;
      const start = at % text.length;
      survives(text.slice(0, start) + text.slice(start + length), file);
    }),
    { numRuns: 150 },
  );
});

test('a file with words replaced by other words', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...files),
      fc.array(fc.tuple(fc.nat(2000), fc.constantFrom(...words)), { minLength: 1, maxLength: 6 }),
      (file, replacements) => {
        const pieces = modelSources[file]!.split(/([A-Za-z_]\w*|\d[\d_.e+-]*|"[^"\n]*")/);
        for (const [at, word] of replacements) pieces[(at % pieces.length) | 1] = word;
        survives(pieces.join(''), file);
      },
    ),
    { numRuns: 200 },
  );
});

test('models made of random words', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...words), { maxLength: 60 }), (body) => {
      survives(`use std.{Attention, MLP, Mamba2, RMSNorm}\nmodel X {\n${body.join(' ')}\n}`);
      survives(`use "./nemotron-h-8b.hyb".{NemotronH8B}\nmodel X = NemotronH8B with {\n${body.join(' ')}\n}`);
      survives(`use "./nemotron-h-8b.hyb".{NemotronH8B}\ntrain X of NemotronH8B {\n${body.join(' ')}\n}`);
    }),
    { numRuns: 100 },
  );
});

test('long chains and deep references are findings, not crashes', () => {
  const chain = (n: number): string =>
    `use std.{MLP}\nmodel M0 { vocab = 1, width = 1, context = 1, F = MLP(inner = width), layers = [F] }\n${Array.from(
      { length: n },
      (_, i) => `model M${i + 1} = M${i} with { width = width + 1 }`,
    ).join('\n')}`;
  expect(model(chain(60)).width).toBe(61);
  const start = process.cpuUsage();
  expect(compile(chain(2000)).diagnostics.map((d) => d.code)).toContain('HYB2056');
  const constants = (n: number): string =>
    `use std.{MLP}\nmodel M { vocab = 1, width = c0, context = 1, F = MLP(inner = 1), layers = [F]\n${Array.from(
      { length: n },
      (_, i) => `c${i} = c${i + 1} + 1`,
    ).join('\n')}\nc${n} = 1 }`;
  expect(model(constants(90)).width).toBe(91);
  expect(compile(constants(2000)).diagnostics.map((d) => d.code)).toContain('HYB1019');
  const sum = Array<string>(20_000).fill('1').join(' + ');
  const members = `A${'.a'.repeat(20_000)}`;
  for (const deep of [sum, members]) {
    survives(`use std.{MLP}\nmodel M { vocab = 1, width = ${deep}, context = 1, F = MLP(inner = 1), layers = [F] }`);
  }
  expect(process.cpuUsage(start).user / 1e6).toBeLessThan(50);
});
