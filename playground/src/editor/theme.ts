/** The editor in the page's colours, which follow the light or dark theme. */
import { HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import type { Extension } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import { tags } from '@lezer/highlight';

const view = EditorView.theme({
  '&': { height: '100%', color: 'var(--hyb-text)', backgroundColor: 'var(--hyb-field)', fontSize: '14px' },
  '.cm-scroller': { fontFamily: 'ui-monospace, Menlo, Consolas, monospace', lineHeight: '1.5' },
  '.cm-content': { caretColor: 'var(--hyb-text)' },
  '.cm-cursor': { borderLeftColor: 'var(--hyb-text)' },
  '&.cm-focused': { outline: '2px solid var(--hyb-focus)', outlineOffset: '-2px' },
  '.cm-gutters': { color: 'var(--hyb-quiet)', backgroundColor: 'var(--hyb-page)', border: 'none' },
  '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'var(--hyb-line-active)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
    backgroundColor: 'var(--hyb-selection)',
  },
  '.cm-tooltip, .cm-panels': {
    color: 'var(--hyb-text)',
    backgroundColor: 'var(--hyb-page)',
    borderColor: 'var(--hyb-line)',
  },
  '.cm-tooltip-autocomplete > ul > li[aria-selected]': { color: 'var(--hyb-page)', backgroundColor: 'var(--hyb-link)' },
  '.cm-diagnosticAction': { color: '#fff', backgroundColor: '#2370c7' },
});

const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.modifier, tags.definitionKeyword, tags.controlKeyword], color: 'var(--hyb-keyword)' },
  { tag: [tags.lineComment, tags.blockComment, tags.docComment, tags.comment], color: 'var(--hyb-comment)' },
  { tag: [tags.number, tags.bool, tags.null, tags.unit, tags.atom], color: 'var(--hyb-number)' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--hyb-string)' },
  { tag: [tags.typeName, tags.className, tags.standard(tags.name)], color: 'var(--hyb-type)' },
  {
    tag: [tags.function(tags.variableName), tags.function(tags.definition(tags.variableName))],
    color: 'var(--hyb-function)',
  },
  { tag: [tags.meta, tags.annotation, tags.attributeName], color: 'var(--hyb-function)' },
]);

export const theme: Extension = [view, syntaxHighlighting(colours)];
