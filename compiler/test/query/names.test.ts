/** What names stand for, as the compiler itself finds it. */
import { applyFix } from '@hyb/grammar';
import fc from 'fast-check';
import { readdirSync, readFileSync } from 'node:fs';
import { check } from '../../src/compile.js';
import { namesOf, referencesTo, rename } from '../../src/query/references.js';
import { memoryHost } from '../../src/sources/host.js';
import { isLibraryPath } from '../../src/sources/library.js';
import { loadProject } from '../../src/sources/project.js';
import type { Project } from '../../src/sources/project.js';
import { entityKey } from '../../src/query/names/entity.js';
import type { NameUse } from '../../src/query/names/entity.js';

const folder = (path: string) =>
  Object.fromEntries(
    readdirSync(path)
      .filter((name) => name.endsWith('.hyb'))
      .map((name) => [`${path}/${name}`, readFileSync(`${path}/${name}`, 'utf8')]),
  );
const sources = { ...folder('models'), ...folder('examples/blocks'), ...folder('demo') };
const entries = Object.keys(sources);
const whole = loadProject(memoryHost(sources), entries);

const placeOf = (project: Project, { span }: Pick<NameUse, 'span'>): string => {
  const before = project.files.get(span.file)!.text.slice(0, span.start).split('\n');
  return `${span.file.replace('hyb:', '')}:${before.length}:${before.at(-1)!.length + 1}`;
};

test('every name of the models, the examples and the library stands for something', () => {
  const unresolved = [...whole.files.keys()].flatMap((path) =>
    namesOf(whole, path)!.unresolved.map(({ name }) => `${path}: ${name.text}`),
  );
  expect(unresolved).toEqual([]);
});

test('every word that is no keyword, constant or name of a data source is among them', () => {
  const missing = [...whole.files.values()].flatMap(({ path, text, syntax }) => {
    const known = new Set(namesOf(whole, path)!.uses.map(({ span }) => span.start));
    const declared = new Set<number>();
    const visit = (value: unknown): void => {
      if (typeof value !== 'object' || value === null) return;
      const { kind, span } = value as { kind?: string; span?: { start: number } };
      if (kind === 'Name') declared.add(span!.start);
      else for (const each of Object.values(value)) visit(each);
    };
    visit({ uses: syntax.uses, declarations: syntax.declarations });
    return [...declared]
      .filter((start) => !known.has(start))
      .map((start) => `${path}: ${/\w+/.exec(text.slice(start))![0]}`);
  });
  const own = ['web', 'code', 'academic', 'multilingual', 'crawl_plus', 'math', 'wiki', 'sft'];
  expect(missing.filter((each) => !own.includes(each.split(': ')[1]!))).toEqual([]);
});

test('what the names of a file stand for', () => {
  const text = `use std.{Attention, RMSNorm as Norm}
norm Mine(eps = 1e-5)(x: [..., d]) -> [..., d] { return x * rsqrt(mean(x ** 2, d) + eps) }
block B(n: int, f: fn = silu)(x: [time, width]) -> [time, width] {
  slot hidden = Mine(eps = 1e-6)
  dim both = 2 * n
  param up = linear(width -> (2, n), bias = true) @init(normal(std = 0.1))
  param down = linear(both -> width)
  let y = f(up(x) as [time, both])
  let z = scan (t in time, state h: [both] = 0) { h = h + y[t]; yield h }
  return down(hidden(z))
}
model M {
  vocab = 16, width = 8, context = 32, twice = 2 * width
  A = Attention(heads = 2, rope = rope(base = 1e4, scaling = ntk(factor = 2)))
  B = B(n = twice)
  norm = { pre = Norm(eps = 1e-6), hidden = none }
  norm.pre.eps = 1e-3
  layers = pattern("AB", { A: A, B: B })
  layers[1].n = 4
  precision { state in B.down = f32, weights in up = bf16 }
}
train T of M { batch = 8 sequences, steps = 10, rate = 1e-3, optimizer = AdamW(eps = 1e-6), init = { B.up = normal } }
`;
  const project = loadProject(memoryHost({ 'main.hyb': text }), 'main.hyb');
  const lines = namesOf(project, 'main.hyb')!.uses.map((use) => {
    const targets = use.entities.map(({ kind, place, owner }) => {
      const where = place === undefined ? (owner ?? '') : placeOf(project, { span: place });
      return `${kind} ${where}`.trim();
    });
    return `${placeOf(project, use).replace('main.hyb:', '')} ${use.name}: ${use.access} ${targets.join(', ')}`;
  });
  expect(lines.join('\n')).toMatchSnapshot();
  expect(namesOf(project, 'main.hyb')!.unresolved).toEqual([]);
});

/** Uses that one entity of the project's own files has. */
const renamable = entries.flatMap((path) =>
  namesOf(whole, path)!.uses.filter(
    ({ access, entities: [entity, ...more] }) =>
      access === 'definition' && more.length === 0 && entity?.place !== undefined && !isLibraryPath(entity.place.file),
  ),
);

/** Findings without places, and models in short: what a renaming must not change. */
function meaning(
  texts: Readonly<Record<string, string>>,
  files: readonly string[],
  name: string,
  other: string,
): string {
  const { models, diagnostics } = check(memoryHost(texts), files);
  const text = JSON.stringify([
    diagnostics.map(({ code }) => code),
    models.map(({ graph, storage }) => [
      graph.graphs.map(({ nodes, parameters }) => [
        nodes.map(({ op, type }) => [op, type]),
        parameters.map((p) => p.path),
      ]),
      [...storage.keys()],
    ]),
  ]);
  return text.replaceAll(new RegExp(`\\b${other}\\b`, 'g'), name);
}

test('a new name everywhere changes nothing but the name', () => {
  fc.assert(
    fc.property(fc.nat(renamable.length - 1), (index) => {
      const use = renamable[index]!;
      const renamed = rename(whole, use, 'zz_new');
      const [entity] = use.entities;
      if (renamed.kind === 'refused') {
        // Slots that a model fills for several blocks at once, and blocks of several models in one weight map.
        expect(['slot', 'param', 'parameter', 'alias', 'value']).toContain(entity!.kind);
        return;
      }
      const texts = Object.fromEntries(
        Object.entries(sources).map(([path, text]) => {
          const edits = renamed.edits.filter(({ span }) => span.file === path);
          return [path, applyFix(text, { title: '', edits })];
        }),
      );
      const files = [...new Set(renamed.edits.map(({ span }) => span.file))];
      expect(meaning(texts, files, use.name, 'zz_new')).toBe(meaning(sources, files, use.name, 'zz_new'));
    }),
    { numRuns: 8, seed: 3 },
  );
});

test('a reference changed to a name that does not exist is unresolved, and the compiler says so', () => {
  const references = entries.flatMap((path) =>
    namesOf(whole, path)!.uses.filter(
      ({ name, access, span, entities }) =>
        access !== 'definition' &&
        /^\w+$/.test(name) &&
        span.end - span.start === name.length &&
        entities[0]!.kind !== 'unit',
    ),
  );
  fc.assert(
    fc.property(fc.nat(references.length - 1), (index) => {
      const use = references[index]!;
      const { file, start, end } = use.span;
      // A letter of a pattern string.
      fc.pre(!/"[^"\n]*$/.test(whole.files.get(file)!.text.slice(0, start).split('\n').at(-1)!));
      const text = sources[file]!;
      const texts = { ...sources, [file]: `${text.slice(0, start)}zz_none${text.slice(end)}` };
      const project = loadProject(memoryHost(texts), entries);
      const found = namesOf(project, file)!;
      const place = found.unresolved.some(({ name }) => name.text === 'zz_none');
      const users = check(memoryHost(texts), file).diagnostics;
      const said = users.some(({ severity }) => severity === 'error');
      // An import that fails makes its names broken rather than unresolved.
      const importing = project.diagnostics.length > 0;
      const known = found.uses.some(({ name }) => name === 'zz_none');
      expect({ use: `${file} ${use.name}`, unresolved: place || importing, said, known }).toEqual({
        use: `${file} ${use.name}`,
        unresolved: true,
        said: true,
        known: false,
      });
    }),
    { numRuns: 30, seed: 5 },
  );
});

test('renaming is refused with a reason', () => {
  const text = `use std.{MLP}
fn f(a, b) = a + b
model M { vocab = 4, width = 4, context = 8, F = MLP(inner = 8), layers = [F], head = { tie = true } }
`;
  const project = loadProject(memoryHost({ 'main.hyb': text }), 'main.hyb');
  const at = (name: string) => namesOf(project, 'main.hyb')!.uses.find((use) => use.name === name)!;
  const reason = (name: string, to = 'other') => {
    const result = rename(project, at(name), to);
    return result.kind === 'refused' ? result.reason : result.edits.length;
  };
  expect([reason('MLP'), reason('inner'), reason('width'), reason('a', 'b'), reason('a', '1x'), reason('F', 'layers')])
    .toMatchInlineSnapshot(`
   [
     "'MLP' belongs to the standard library, whose files cannot be changed. Copy the block into a file of your own.",
     "'inner' belongs to the standard library, whose files cannot be changed. Copy the block into a file of your own.",
     "'width' belongs to the language.",
     "'b' already means something where 'a' is used.",
     "'1x' is no name: names are letters, digits and _, and do not begin with a digit.",
     "'layers' already means something where 'F' is used.",
   ]
  `);
  expect(reason('a')).toBe(2);
  expect(referencesTo(project, at('F').entities[0]!).map((use) => entityKey(use.entities[0]!))).toHaveLength(2);
});
