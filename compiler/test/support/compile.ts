import { loadProject, memoryHost, resolve } from '@hyb/compiler';
import type { Model, Project, Resolved } from '@hyb/compiler';
import type { Diagnostic } from '@hyb/grammar';

export type Sources = Readonly<Record<string, string>>;

export interface Compiled extends Resolved {
  readonly project: Project;
  /** Of all stages so far. */
  readonly diagnostics: readonly Diagnostic[];
}

/** Reads and resolves sources; the first file is the entry unless one is named. */
export function compile(sources: string | Sources, entry?: string, modelName?: string): Compiled {
  const texts = typeof sources === 'string' ? { 'main.hyb': sources } : sources;
  const project = loadProject(memoryHost(texts), entry ?? Object.keys(texts)[0]!);
  const resolved = resolve(project, modelName);
  return { ...resolved, project, diagnostics: [...project.diagnostics, ...resolved.diagnostics] };
}

/** The only model of sources without errors. */
export function model(sources: string | Sources, name?: string): Model {
  const compiled = compile(sources);
  const errors = compiled.diagnostics.filter((d) => d.severity === 'error');
  if (errors.length > 0)
    throw new Error(render(errors, typeof sources === 'string' ? { 'main.hyb': sources } : sources));
  const found = name === undefined ? compiled.models.at(-1) : compiled.models.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no model ${name ?? ''}`);
  return found;
}

/** Findings as a person sees them: place, the line with the span underlined, expected and found, related places, fixes. */
export function render(diagnostics: readonly Diagnostic[], sources: string | Sources): string {
  const texts: Sources = typeof sources === 'string' ? { 'main.hyb': sources } : sources;
  const at = (file: string, offset: number): string => {
    const before = (texts[file] ?? '').slice(0, offset).split('\n');
    return `${file}:${before.length}:${before.at(-1)!.length + 1}`;
  };
  return diagnostics
    .map((d) => {
      const text = texts[d.span.file] ?? '';
      const start = text.lastIndexOf('\n', d.span.start - 1) + 1;
      const end = text.indexOf('\n', d.span.start);
      const line = text.slice(start, end < 0 ? undefined : end);
      const width = Math.max(1, Math.min(d.span.end, start + line.length) - d.span.start);
      return [
        `${d.severity} ${d.code} ${at(d.span.file, d.span.start)}: ${d.message}`,
        `  | ${line}`,
        `  | ${' '.repeat(d.span.start - start)}${'^'.repeat(width)}`,
        ...(d.expected === undefined ? [] : [`  expected ${d.expected}, found ${d.found ?? '-'}`]),
        ...d.related.map(({ span, message }) => `  ${at(span.file, span.start)}: ${message}`),
        ...d.fixes.map((fix) => `  fix: ${fix.title}`),
      ].join('\n');
    })
    .join('\n');
}

/** The text after a fix. */
export function applyFix(text: string, diagnostic: Diagnostic, fix = 0): string {
  const edits = [...(diagnostic.fixes[fix]?.edits ?? [])].sort((a, b) => b.span.start - a.span.start);
  return edits.reduce(
    (result, edit) => result.slice(0, edit.span.start) + edit.text + result.slice(edit.span.end),
    text,
  );
}

export function codes(sources: string | Sources, entry?: string, modelName?: string): readonly string[] {
  return compile(sources, entry, modelName).diagnostics.map((d) => d.code);
}
