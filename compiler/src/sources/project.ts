import { parse } from '@hyb/grammar';
import type {
  Declaration,
  Diagnostic,
  ParseResult,
  SourceFile,
  Span,
  StringLiteral,
  Use,
  UsedName,
} from '@hyb/grammar';
import { Diagnostics } from '../diagnostics/collector.js';
import { didYouMean, nearest, replaceFix } from '../diagnostics/suggest.js';
import type { SourceHost } from './host.js';
import { isLibraryPath, libraryFiles, libraryNames, libraryPathOf, parseLibraryFile } from './library.js';
import { reportSource } from './messages.js';
import { joinPath, relativePath } from './paths.js';
import { FileScope } from './scope.js';

export interface ProjectFile {
  /** Relative to the project's root, or `std/norms.hyb` for files of the library. */
  readonly path: string;
  readonly text: string;
  readonly syntax: SourceFile;
  readonly scope: FileScope;
  /** The parser reported errors: a name that is missing may stand in a part that could not be read. */
  readonly broken: boolean;
}

/** Source files with all that they use, and what their names mean. */
export interface Project {
  readonly entries: readonly ProjectFile[];
  /** By path, in the order in which they were needed. */
  readonly files: ReadonlyMap<string, ProjectFile>;
  /** Findings of the parser and of the loading itself, library included. */
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Reads and parses the entries and everything that they use. Each file is read once; no file is read that nobody names.
 *
 * @param read how a text is parsed; for those who keep trees between loads
 */
export function loadProject(host: SourceHost, entries: string | readonly string[], read: Parse = parse): Project {
  const loader = new Loader(host, read);
  const paths = typeof entries === 'string' ? [entries] : entries;
  const files = paths.flatMap((path) => loader.entry(path) ?? []);
  return { entries: files, files: loader.files, diagnostics: loader.diagnostics.list() };
}

export type Parse = (text: string, path: string) => ParseResult;

class Loader {
  readonly files = new Map<string, ProjectFile>();
  readonly diagnostics = new Diagnostics();
  readonly #host: SourceHost;
  readonly #parse: Parse;
  /** Files being loaded, outermost first: what a circle is found by. */
  readonly #open: string[] = [];

  constructor(host: SourceHost, parseText: Parse) {
    this.#host = host;
    this.#parse = parseText;
  }

  entry(path: string): ProjectFile | undefined {
    const file = this.#load(path);
    if (file === undefined) {
      this.diagnostics.add(reportSource('HYB1001', { file: path, start: 0, end: 0 }, { path }));
    }
    return file;
  }

  #load(path: string): ProjectFile | undefined {
    const known = this.files.get(path);
    if (known !== undefined) return known;
    const read = this.#read(path);
    if (read === undefined) return undefined;
    this.diagnostics.addAll(read.diagnostics);
    const file: ProjectFile = {
      path,
      text: read.text,
      syntax: read.syntax,
      scope: new FileScope(path),
      broken: read.diagnostics.some((d) => d.severity === 'error'),
    };
    this.files.set(path, file);
    for (const declaration of file.syntax.declarations) this.#declare(file, declaration);
    this.#open.push(path);
    for (const use of file.syntax.uses) this.#use(file, use);
    this.#open.pop();
    return file;
  }

  #read(path: string): { text: string; syntax: SourceFile; diagnostics: readonly Diagnostic[] } | undefined {
    if (isLibraryPath(path)) return parseLibraryFile(path);
    const text = this.#host.read(path);
    if (text === undefined) return undefined;
    const { file: syntax, diagnostics } = this.#parse(text, path);
    return { text, syntax, diagnostics };
  }

  #declare(file: ProjectFile, declaration: Declaration): void {
    const { name } = declaration;
    const earlier = file.scope.placeOf(name.text);
    if (earlier !== undefined) {
      this.diagnostics.add(
        reportSource(
          'HYB1006',
          name.span,
          { name: name.text },
          { related: [{ span: earlier, message: 'the other one' }] },
        ),
      );
      return;
    }
    file.scope.bind(name.text, { declaration, scope: file.scope }, name.span);
  }

  #use(file: ProjectFile, use: Use): void {
    if (use.from.kind === 'StringLiteral') {
      const target = this.#useFile(file, use.from);
      for (const used of use.names) this.#import(file, used, target);
      return;
    }
    const library = use.from.segments.map((segment) => segment.text).join('.');
    const [first, part, ...more] = use.from.segments;
    const known =
      first?.text === 'std' && more.length === 0 && (part === undefined || libraryFiles().includes(part.text));
    if (!known) {
      const candidates = ['std', ...libraryFiles().map((name) => `std.${name}`)];
      this.diagnostics.add(
        reportSource('HYB1004', use.from.span, { library }, didYouMean(use.from.span, library, candidates)),
      );
    }
    for (const used of use.names) {
      if (!known) {
        file.scope.bindBroken(localName(used).text, used.span);
        continue;
      }
      const path = libraryPathOf(used.name.text, part?.text);
      if (path === undefined) this.#missingName(file, used, library, libraryNames(part?.text));
      else this.#import(file, used, this.#follow(path, use.span));
    }
  }

  /** The file that `use "…"` names, or undefined with a finding. */
  #useFile(file: ProjectFile, literal: StringLiteral): ProjectFile | undefined {
    const written = literal.value;
    const joined = joinPath(file.path, written);
    switch (joined.kind) {
      case 'malformed':
        this.diagnostics.add(reportSource('HYB1008', literal.span, { path: written, reason: joined.reason }));
        return undefined;
      case 'outside':
        this.diagnostics.add(reportSource('HYB1002', literal.span, { path: written }));
        return undefined;
      case 'inside': {
        const target = this.#follow(joined.path, literal.span);
        if (target === undefined && !this.#open.includes(joined.path)) {
          const near = nearest(joined.path, this.#host.list?.() ?? []);
          const fixes = near === undefined ? [] : [replaceFix(literal.span, `"${relativePath(file.path, near)}"`)];
          this.diagnostics.add(reportSource('HYB1001', literal.span, { path: joined.path }, { fixes }));
        }
        return target;
      }
    }
  }

  #follow(path: string, place: Span): ProjectFile | undefined {
    const start = this.#open.indexOf(path);
    if (start < 0) return this.#load(path);
    const chain = [...this.#open.slice(start), path].join(' → ');
    this.diagnostics.add(reportSource('HYB1003', place, { chain }));
    return undefined;
  }

  #import(file: ProjectFile, used: UsedName, target: ProjectFile | undefined): void {
    const local = localName(used);
    const earlier = file.scope.placeOf(local.text);
    if (earlier !== undefined) {
      const declared = file.scope.find(local.text)?.scope === file.scope;
      const related = [{ span: earlier, message: declared ? 'declared here' : 'imported here' }];
      this.diagnostics.add(
        reportSource(declared ? 'HYB1006' : 'HYB1007', local.span, { name: local.text }, { related }),
      );
      return;
    }
    if (target === undefined) {
      file.scope.bindBroken(local.text, local.span);
      return;
    }
    const found = target.scope.find(used.name.text);
    if (found === undefined || found.scope !== target.scope) {
      const own = target.scope.names().filter((name) => target.scope.find(name)?.scope === target.scope);
      if (target.broken) file.scope.bindBroken(local.text, local.span);
      else this.#missingName(file, used, target.path, own);
      return;
    }
    file.scope.bind(local.text, found, local.span);
  }

  #missingName(file: ProjectFile, used: UsedName, from: string, candidates: readonly string[]): void {
    const { text, span } = used.name;
    this.diagnostics.add(reportSource('HYB1005', span, { file: from, name: text }, didYouMean(span, text, candidates)));
    file.scope.bindBroken(localName(used).text, span);
  }
}

function localName(used: UsedName): UsedName['name'] {
  return used.alias ?? used.name;
}
