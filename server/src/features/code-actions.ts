/** Quick fixes: those that findings carry. */
import type { Fix, TextEdit } from '@hyb/grammar';
import { CodeActionKind } from 'vscode-languageserver-types';
import type { CodeAction, Range, TextEdit as EditorEdit, WorkspaceEdit } from 'vscode-languageserver-types';
import { rangeIn } from '../workspace/workspace.js';
import type { Place } from '../workspace/workspace.js';
import { convert } from './diagnostics.js';

export function codeActions(place: Place, range: Range): readonly CodeAction[] {
  const start = place.offsetAt(range.start);
  const end = place.offsetAt(range.end);
  const { diagnostics, project } = place.check;
  const near = diagnostics.filter(
    ({ span, fixes }) => fixes.length > 0 && span.file === place.path && span.start <= end && start <= span.end,
  );
  const actions = near.flatMap((diagnostic) =>
    diagnostic.fixes.map((fix, index): CodeAction => ({
      title: fix.title,
      kind: CodeActionKind.QuickFix,
      diagnostics: [convert(diagnostic, project, place.root)],
      // The first is the likeliest.
      ...(index === 0 && { isPreferred: true }),
      edit: workspaceEdit(fix.edits, place),
    })),
  );
  const all = diagnostics.flatMap(({ span, fixes }) => (span.file === place.path && fixes[0] ? [fixes[0]] : []));
  if (near.length > 0 && all.length > 1) actions.push(fixAll(all, place));
  return actions;
}

/** The first fix of every finding that does not touch what an earlier one changes. */
function fixAll(fixes: readonly Fix[], place: Place): CodeAction {
  const taken: TextEdit[] = [];
  const overlaps = (a: TextEdit, b: TextEdit): boolean =>
    a.span.file === b.span.file && a.span.start <= b.span.end && b.span.start <= a.span.end;
  for (const { edits } of fixes) {
    if (!edits.some((edit) => taken.some((other) => overlaps(edit, other)))) taken.push(...edits);
  }
  return {
    title: 'Fix all findings that have a fix',
    kind: CodeActionKind.SourceFixAll,
    edit: workspaceEdit(taken, place),
  };
}

export function workspaceEdit(edits: readonly TextEdit[], { project, root }: Place): WorkspaceEdit {
  const changes: Record<string, EditorEdit[]> = {};
  for (const { span, text } of edits) {
    const file = project.files.get(span.file);
    if (file === undefined) continue;
    const uri = root.uriOf(span.file);
    (changes[uri] ??= []).push({ range: rangeIn(file, span), newText: text });
  }
  return { changes };
}
