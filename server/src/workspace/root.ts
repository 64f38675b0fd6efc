/** One project: a folder, the session that checks its files, and what is known of them between changes. */
import { CheckSession } from '@hyb/compiler/query/session';
import type { SessionCheck } from '@hyb/compiler/query/session';
import type { Project } from '@hyb/compiler';
import { pathOf, uriOf } from './addresses.js';
import type { SourceFiles } from './files.js';
import type { OpenDocument } from './workspace.js';

interface KnownCheck {
  readonly check: SessionCheck;
  /** What was read for it, with what was not there. */
  readonly reads: ReadonlyMap<string, string | undefined>;
  readonly listed: readonly string[] | undefined;
}

export class Root {
  readonly #session: CheckSession;
  readonly #checks = new Map<string, KnownCheck>();
  /** Texts of files that are not open, until one is told to have changed. */
  readonly #closed = new Map<string, string | undefined>();
  #reads: Map<string, string | undefined> | undefined;
  #listed: readonly string[] | undefined;
  #listing: readonly string[] | undefined;
  #whole: { readonly project: Project; readonly texts: ReadonlyMap<string, string> } | undefined;

  constructor(
    /** Canonical, with `/` at the end. */
    readonly uri: string,
    readonly files: SourceFiles,
    /** Open documents by their canonical URIs, which change. */
    readonly open: ReadonlyMap<string, OpenDocument>,
  ) {
    this.#session = new CheckSession({
      read: (path) => {
        const text = this.read(path);
        this.#reads?.set(path, text);
        return text;
      },
      list: () => (this.#listed = this.paths()),
    });
  }

  read(path: string): string | undefined {
    const uri = uriOf(path, this.uri);
    const open = this.open.get(uri);
    if (open !== undefined) return open.getText();
    if (!this.#closed.has(path)) this.#closed.set(path, this.files.read(uri));
    return this.#closed.get(path);
  }

  isOpen(path: string): boolean {
    return this.open.has(uriOf(path, this.uri));
  }

  /** The URI of a file of the project or the library, of an open one as the editor spells it. */
  uriOf(path: string): string {
    const uri = uriOf(path, this.uri);
    return this.open.get(uri)?.uri ?? uri;
  }

  /** All files of the project, open ones included. */
  paths(): readonly string[] {
    this.#listing ??= this.files.list(this.uri).flatMap((uri) => pathOf(uri, this.uri) ?? []);
    const open = [...this.open.keys()].flatMap((uri) =>
      uri.startsWith(this.uri) ? (pathOf(uri, this.uri) ?? []) : [],
    );
    return [...new Set([...this.#listing, ...open])];
  }

  /** Forgets what is not open: files have changed on disk. */
  forgetClosed(): void {
    this.#closed.clear();
    this.#listing = undefined;
  }

  /** What `hyb check` says of a file. */
  check(path: string): SessionCheck {
    const known = this.#checks.get(path);
    if (known !== undefined && this.#isCurrent(known)) return known.check;
    this.#reads = new Map();
    this.#listed = undefined;
    const check = this.#session.check(path);
    this.#checks.set(path, { check, reads: this.#reads, listed: this.#listed });
    this.#reads = undefined;
    return check;
  }

  forgetCheck(path: string): void {
    this.#checks.delete(path);
    this.#session.forget(path);
  }

  #isCurrent({ reads, listed }: KnownCheck): boolean {
    for (const [path, text] of reads) if (this.read(path) !== text) return false;
    return listed === undefined || listed.join('\n') === this.paths().join('\n');
  }

  /** All files together: what names stand for across them. */
  get project(): Project {
    const texts = new Map(
      this.paths().flatMap((path) => {
        const text = this.read(path);
        return text === undefined ? [] : [[path, text] as const];
      }),
    );
    const known = this.#whole;
    if (known !== undefined && known.texts.size === texts.size) {
      if ([...texts].every(([path, text]) => known.texts.get(path) === text)) return known.project;
    }
    this.#session.keepFiles((path) => texts.has(path));
    const project = this.#session.load([...texts.keys()]);
    this.#whole = { project, texts };
    return project;
  }
}
