/** The editor: one file to write, and others to look at. */
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { bracketMatching, indentOnInput, indentUnit } from '@codemirror/language';
import { lintGutter, lintKeymap, setDiagnostics } from '@codemirror/lint';
import type { Diagnostic as Mark } from '@codemirror/lint';
import { highlightSelectionMatches, searchKeymap } from '@codemirror/search';
import { Compartment, EditorState } from '@codemirror/state';
import type { Extension } from '@codemirror/state';
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from '@codemirror/view';
import type { Diagnostic, Fix } from '@hyb/grammar';
import { hybLanguage } from './language.js';
import { theme } from './theme.js';

export interface EditorEvents {
  changed(text: string): void;
  cursor(offset: number): void;
}

export class Editor {
  readonly view: EditorView;
  readonly #server = new Compartment();

  constructor(parent: HTMLElement, text: string, events: EditorEvents) {
    this.view = new EditorView({
      parent,
      state: EditorState.create({
        doc: text,
        extensions: [
          lineNumbers(),
          history(),
          drawSelection(),
          indentOnInput(),
          indentUnit.of('  '),
          bracketMatching(),
          closeBrackets(),
          autocompletion(),
          highlightActiveLine(),
          highlightSelectionMatches(),
          lintGutter(),
          // Escape, then Tab leaves the editor: what CodeMirror offers those who have only a keyboard.
          keymap.of([
            ...closeBracketsKeymap,
            ...defaultKeymap,
            ...searchKeymap,
            ...historyKeymap,
            ...completionKeymap,
            ...lintKeymap,
            indentWithTab,
          ]),
          // Where it scrolls it has to be reachable in so many words.
          EditorView.contentAttributes.of({ 'aria-label': 'Source of the model', tabindex: '0' }),
          hybLanguage,
          theme,
          this.#server.of([]),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) events.changed(update.state.doc.toString());
            if (update.selectionSet || update.docChanged) events.cursor(update.state.selection.main.head);
          }),
        ],
      }),
    });
  }

  get text(): string {
    return this.view.state.doc.toString();
  }

  /** What a language server adds. */
  connect(extension: Extension): void {
    this.view.dispatch({ effects: this.#server.reconfigure(extension) });
  }

  replace(text: string): void {
    const { doc } = this.view.state;
    if (doc.toString() === text) return;
    const head = Math.min(this.view.state.selection.main.head, text.length);
    this.view.dispatch({ changes: { from: 0, to: doc.length, insert: text }, selection: { anchor: head } });
  }

  select(start: number, end: number): void {
    const { length } = this.view.state.doc;
    const selection = { anchor: Math.min(start, length), head: Math.min(end, length) };
    this.view.dispatch({ selection, effects: EditorView.scrollIntoView(selection.anchor, { y: 'center' }) });
    this.view.focus();
  }

  /** Marks what is wrong in the file at `path`. */
  mark(path: string, diagnostics: readonly Diagnostic[]): void {
    const { length } = this.view.state.doc;
    const marks = diagnostics
      .filter(({ span }) => span.file === path)
      .map(({ code, severity, message, span, fixes }): Mark => ({
        from: Math.min(span.start, length),
        to: Math.min(Math.max(span.end, span.start), length),
        severity,
        source: code,
        message,
        actions: fixes
          .filter((fix) => fix.edits.every((edit) => edit.span.file === path))
          .map((fix) => ({ name: fix.title, apply: () => this.apply(path, fix) })),
      }));
    this.view.dispatch(setDiagnostics(this.view.state, marks));
  }

  apply(path: string, { edits }: Fix): void {
    const changes = edits
      .filter(({ span }) => span.file === path)
      .map(({ span, text }) => ({ from: span.start, to: span.end, insert: text }));
    this.view.dispatch({ changes, userEvent: 'input.repair' });
    this.view.focus();
  }
}

/** A file that can be read but not changed. */
export function reader(parent: HTMLElement, text: string, label: string, start: number, end: number): EditorView {
  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc: text,
      selection: { anchor: Math.min(start, text.length), head: Math.min(end, text.length) },
      extensions: [
        lineNumbers(),
        drawSelection(),
        keymap.of([...defaultKeymap, ...searchKeymap]),
        EditorState.readOnly.of(true),
        EditorView.contentAttributes.of({ 'aria-label': label, tabindex: '0' }),
        hybLanguage,
        theme,
      ],
    }),
  });
  view.dispatch({ effects: EditorView.scrollIntoView(Math.min(start, text.length), { y: 'center' }) });
  view.focus();
  return view;
}
