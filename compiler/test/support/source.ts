/** Models and blocks from source text, as tests write them. */
import { check } from '../../src/compile.js';
import { resolve } from '../../src/resolve/resolve.js';
import { memoryHost } from '../../src/sources/host.js';
import { loadProject } from '../../src/sources/project.js';
import { trace } from '../../src/trace/trace.js';

/** Findings of all stages about one file. */
export function findings(source: string, files: Readonly<Record<string, string>> = {}) {
  return check(memoryHost({ 'main.hyb': source, ...files }), 'main.hyb').diagnostics;
}

/** The file's only model (or the named one), resolved and traced. @throws Error with the findings, if there are any */
export function traced(source: string, name?: string, files: Readonly<Record<string, string>> = {}) {
  const project = loadProject(memoryHost({ 'main.hyb': source, ...files }), 'main.hyb');
  const { models, diagnostics } = resolve(project, name);
  const model = models[0];
  if (model === undefined) throw new Error([...project.diagnostics, ...diagnostics].map((d) => d.message).join('\n'));
  const result = trace(model);
  const errors = [...project.diagnostics, ...diagnostics, ...result.diagnostics].filter((d) => d.severity === 'error');
  if (errors.length > 0)
    throw new Error(errors.map((d) => `${d.code} ${d.message} ${d.expected ?? ''} ${d.found ?? ''}`).join('\n'));
  return { model, ...result };
}

/** A model of one layer without norms: `B`, with declarations before it. */
export function layerSource(declarations: string, block: string, sizes = { vocab: 16, width: 8 }, more = ''): string {
  const fields = `vocab = ${sizes.vocab}\n  width = ${sizes.width}\n  context = 64\n  B = ${block}\n  layers = [B]`;
  return `${declarations}\n\nmodel Test {\n  ${fields}\n  ${more}\n}\n`;
}

/** The text after a finding's fix. */
export function applyFix(
  source: string,
  {
    edits,
  }: {
    readonly edits: readonly {
      readonly span: { readonly start: number; readonly end: number };
      readonly text: string;
    }[];
  },
): string {
  return [...edits]
    .sort((a, b) => b.span.start - a.span.start)
    .reduce(
      (text, { span, text: replacement }) => text.slice(0, span.start) + replacement + text.slice(span.end),
      source,
    );
}
