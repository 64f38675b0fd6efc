/** Findings of the compiler, of all its stages, in the editor's form. */
import { catalogue } from '@hyb/compiler';
import type { Project } from '@hyb/compiler';
import type { Diagnostic } from '@hyb/grammar';
import { DiagnosticSeverity } from 'vscode-languageserver-types';
import type { Diagnostic as EditorDiagnostic } from 'vscode-languageserver-types';
import { errorPageUri } from '../workspace/addresses.js';
import type { Root } from '../workspace/root.js';
import { locationIn, rangeIn } from '../workspace/workspace.js';
import type { Workspace } from '../workspace/workspace.js';

export type Published = ReadonlyMap<string, readonly EditorDiagnostic[]>;

/** Findings about all open documents and the files that they use, by URI. Files without findings are in it too. */
export function allDiagnostics(workspace: Workspace): Published {
  const found = new Map<string, Map<string, EditorDiagnostic>>();
  for (const uri of workspace.openUris) {
    const { root, check } = workspace.at(uri);
    if (!found.has(uri)) found.set(uri, new Map());
    for (const diagnostic of check.diagnostics) {
      const where = root.uriOf(diagnostic.span.file);
      const there = found.get(where) ?? new Map<string, EditorDiagnostic>();
      found.set(where, there);
      const converted = convert(diagnostic, check.project, root);
      there.set(JSON.stringify([converted.range, converted.code, converted.message]), converted);
    }
  }
  return new Map([...found].map(([uri, all]) => [uri, [...all.values()].sort(byPlace)]));
}

function byPlace(a: EditorDiagnostic, b: EditorDiagnostic): number {
  return (
    a.range.start.line - b.range.start.line ||
    a.range.start.character - b.range.start.character ||
    String(a.code).localeCompare(String(b.code))
  );
}

/** Findings whose parts are unused names: editors grey them out. */
const UNUSED: ReadonlySet<string> = new Set(['HYB2038', 'HYB2039', 'HYB3025']);
const UNNECESSARY = 1;

export function convert(diagnostic: Diagnostic, project: Project, root: Root): EditorDiagnostic {
  const { code, severity, message, span, expected, found, related } = diagnostic;
  const file = project.files.get(span.file);
  const range = file === undefined ? EMPTY : rangeIn(file, span);
  const relatedInformation = related.flatMap((each) => {
    const location = locationIn(project, each.span, root);
    return location === undefined ? [] : [{ location, message: each.message }];
  });
  return {
    range,
    severity: severity === 'error' ? DiagnosticSeverity.Error : DiagnosticSeverity.Warning,
    code,
    source: 'hyb',
    message: [message, ...details(expected, found)].join('\n'),
    ...(catalogue.has(code) && { codeDescription: { href: errorPageUri(code) } }),
    ...(relatedInformation.length > 0 && { relatedInformation }),
    ...(UNUSED.has(code) && { tags: [UNNECESSARY] }),
  };
}

const EMPTY = { start: { line: 0, character: 0 }, end: { line: 0, character: 0 } };

function details(expected: string | undefined, found: string | undefined): readonly string[] {
  return [
    ...(expected === undefined ? [] : [`expected: ${expected}`]),
    ...(found === undefined ? [] : [`found: ${found}`]),
  ];
}
