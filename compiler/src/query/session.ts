/**
 * Checking again and again while files change, for editors: finds the same as `check`, and does again only what a change
 * touches. Trees are kept by text, what is found about a declaration by its own text and by what it has looked up, and
 * traces of layers by their content.
 */
import type { Declaration, Diagnostic, ModelDeclaration, ParseResult } from '@hyb/grammar';
import { originOf } from '@hyb/grammar/ast/moved';
import { reparse } from '@hyb/grammar/parser/reparse';
import type { ParsedText } from '@hyb/grammar/parser/reparse';
import { checkModel, hasErrors, unique } from '../compile.js';
import type { CheckedModel } from '../compile.js';
import { Diagnostics } from '../diagnostics/collector.js';
import type { Model, Scope } from '../model/model.js';
import { resolveModel } from '../resolve/resolve-model.js';
import type { SourceHost } from '../sources/host.js';
import { addLookups, EVERY_NAME, lookupOf, recordLookups, unrecorded } from '../sources/lookups.js';
import type { LookupKey } from '../sources/lookups.js';
import { loadProject } from '../sources/project.js';
import type { Project, ProjectFile } from '../sources/project.js';
import type { Declared } from '../sources/scope.js';
import { checkDeclaration, declarationsOf } from '../trace/generic/check.js';
import { trace } from '../trace/trace.js';
import type { LayerTraces, Trace } from '../trace/trace.js';
import type { Traced } from '../trace/template.js';
import { gradientFindings } from '../train/gradients.js';
import { resolveTrain } from '../train/resolve-train.js';
import type { TrainRecipe } from '../train/resolve-train.js';
import { weightTemplates } from '../weights/declaration.js';
import { anchorDiagnostic, isWithin, locateDiagnostic } from './anchors.js';
import type { AnchoredDiagnostic } from './anchors.js';
import { declarationText } from './declaration-text.js';

/** A model of an entry file, with what could be made of it. */
export interface SessionModel {
  readonly declaration: ModelDeclaration;
  /** Present where the model could be resolved. Places in it may be those before other declarations moved. */
  readonly model?: Model;
  /** Present where it has no errors. */
  readonly checked?: CheckedModel;
}

export interface SessionCheck {
  readonly project: Project;
  readonly models: readonly SessionModel[];
  readonly diagnostics: readonly Diagnostic[];
}

/** What is known of one declaration of an entry file. */
interface Finding {
  readonly diagnostics: readonly Diagnostic[];
  readonly model?: Model;
  readonly checked?: CheckedModel;
  /** Blocks and norms that the model uses, as `identify` calls them. */
  readonly uses?: ReadonlySet<string>;
}

interface Identity {
  readonly name: string;
  /** When it was last asked for. */
  used: number;
}

interface Kept<T> {
  readonly value: T;
  readonly diagnostics: readonly AnchoredDiagnostic[];
  /** What was found by each lookup. */
  readonly lookups: ReadonlyMap<LookupKey, string>;
  /** When it was last asked for. */
  used: number;
}

type Recorded<T> = ReturnType<typeof recordLookups<T>>;

/** What was made for a key already counts as looked up by everyone who asks for it. */
function once<K, T>(made: Map<K, Recorded<T>>, key: K, work: () => T): T {
  const known = made.get(key);
  if (known !== undefined) {
    addLookups(known.lookups);
    return known.result;
  }
  const recorded = recordLookups(work);
  made.set(key, recorded);
  return recorded.result;
}

/** Checks after which is forgotten what no file needs that was checked: edits are taken back, but not for ever. */
const FORGOTTEN_AFTER = 32;

export class CheckSession {
  readonly #host: SourceHost;
  readonly #parsed = new Map<string, ParsedText>();
  readonly #findings = new Map<string, Kept<Finding>>();
  readonly #traces = new Map<string, Kept<Traced>>();
  /** Names of contents; one that is forgotten and comes again gets another. */
  readonly #contents = new Map<string, Identity>();
  readonly #identities = new WeakMap<Declaration, Identity>();
  #named = 0;
  #project: Project | undefined;
  /** Lookups in the current project, by key: many declarations ask the same. */
  #answers = new Map<LookupKey, string>();
  /** What the current check has made already, for a model and each of its recipes. */
  #resolved = new Map<ModelDeclaration, Recorded<{ readonly model?: Model; readonly found: readonly Diagnostic[] }>>();
  #traced = new Map<Model, Recorded<Trace>>();
  #time = 0;
  /** When each file was checked last. */
  readonly #checked = new Map<string, number>();

  constructor(host: SourceHost) {
    this.#host = host;
  }

  /** A project over kept trees: only files whose text is another one are parsed. */
  load(entries: string | readonly string[]): Project {
    return loadProject(this.#host, entries, (text, path) => this.#parse(text, path));
  }

  /** What `check(host, entry)` finds. */
  check(entry: string): SessionCheck {
    this.#time++;
    this.#checked.set(entry, this.#time);
    const project = this.load(entry);
    this.#project = project;
    this.#answers = new Map();
    this.#resolved = new Map();
    this.#traced = new Map();
    const [file] = project.entries;
    const diagnostics: Diagnostic[] = [...project.diagnostics];
    const models: SessionModel[] = [];
    const used = new Set<string>();
    const declarations = file?.syntax.declarations ?? [];
    const ofKind = (kind: Declaration['kind']) => declarations.filter((each) => each.kind === kind);
    for (const declaration of ofKind('ModelDeclaration') as ModelDeclaration[]) {
      const found = this.#find(declaration, file!);
      diagnostics.push(...found.diagnostics);
      for (const each of found.uses ?? []) used.add(each);
      const { model, checked } = found;
      models.push({ declaration, ...(model && { model }), ...(checked && { checked }) });
    }
    for (const kind of ['TrainDeclaration', 'WeightsDeclaration'] as const) {
      for (const declaration of ofKind(kind)) diagnostics.push(...this.#find(declaration, file!).diagnostics);
    }
    for (const declaration of declarations) {
      if (declaration.kind !== 'BlockDeclaration' && declaration.kind !== 'FunctionDeclaration') continue;
      if (used.has(this.#identify(declaration, file!))) continue;
      const found = this.#find(declaration, file!).diagnostics;
      diagnostics.push(...found);
      // As in `checkUnused`: one that grows without end is enough.
      if (found.some((d) => d.code === 'HYB3069')) break;
    }
    this.#forget();
    return { project, models, diagnostics: unique(diagnostics) };
  }

  /** Nobody looks at a file any longer. */
  forget(entry: string): void {
    this.#checked.delete(entry);
  }

  /** Forgets the trees of files that are gone. */
  keepFiles(isThere: (path: string) => boolean): void {
    for (const path of this.#parsed.keys()) if (!isThere(path)) this.#parsed.delete(path);
  }

  #parse(text: string, path: string): ParseResult {
    const result = reparse(text, path, this.#parsed.get(path));
    this.#parsed.set(path, result);
    return result;
  }

  #find(declaration: Declaration, file: ProjectFile): Finding {
    const key = this.#identify(declaration, file);
    const current = this.#current(this.#findings.get(key));
    if (current !== undefined) return { ...current.value, diagnostics: current.diagnostics };
    const { result, lookups } = recordLookups(() => this.#compute(declaration, file));
    this.#findings.set(key, this.#keep(result, result.diagnostics, lookups));
    return result;
  }

  #compute(declaration: Declaration, file: ProjectFile): Finding {
    const { scope } = file;
    const diagnostics = new Diagnostics();
    const project = this.#project!;
    switch (declaration.kind) {
      case 'ModelDeclaration': {
        const model = this.#resolve({ declaration, scope }, diagnostics);
        if (model === undefined) return { diagnostics: diagnostics.list() };
        const { checked, diagnostics: found } = checkModel(model, this.#layers);
        const uses = new Set(
          declarationsOf(model).map((each) => this.#identify(each, project.files.get(each.span.file)!)),
        );
        return { model, ...(checked && { checked }), uses, diagnostics: [...diagnostics.list(), ...found] };
      }
      case 'TrainDeclaration': {
        const lookup = (declared: Declared<ModelDeclaration>) => this.#resolve(declared, diagnostics);
        const recipe = resolveTrain({ declaration, scope }, lookup, diagnostics);
        return { diagnostics: [...diagnostics.list(), ...this.#gradients(recipe)] };
      }
      case 'WeightsDeclaration':
        weightTemplates({ declaration, scope }, diagnostics);
        return { diagnostics: diagnostics.list() };
      case 'BlockDeclaration':
      case 'FunctionDeclaration':
        return { diagnostics: checkDeclaration(declaration, scope) };
    }
  }

  #resolve(declared: Declared<ModelDeclaration>, diagnostics: Diagnostics): Model | undefined {
    const { model, found } = once(this.#resolved, declared.declaration, () => {
      const own = new Diagnostics();
      const resolved = resolveModel(declared, own);
      return { ...(resolved && { model: resolved }), found: own.list() };
    });
    diagnostics.addAll(found);
    return model;
  }

  #gradients(recipe: TrainRecipe | undefined): readonly Diagnostic[] {
    if (recipe?.model === undefined) return [];
    const { model } = recipe;
    const find = (layers?: LayerTraces): readonly Diagnostic[] => {
      const { graph, diagnostics } =
        layers === undefined ? trace(model) : once(this.#traced, model, () => trace(model, layers));
      return hasErrors(diagnostics) ? [] : gradientFindings({ ...recipe, model }, graph);
    };
    // Kept traces know places from before the last edits: what is found with them is looked for once more without.
    return find(this.#layers).length === 0 ? [] : find();
  }

  readonly #layers: LayerTraces = {
    identify: (declaration, scope) => this.#identifyScoped(declaration, scope),
    layer: (key, diagnostics, make, traced) => {
      const current = this.#current(this.#traces.get(key));
      if (current !== undefined) {
        diagnostics.addAll(current.diagnostics);
        return current.value;
      }
      const own = new Diagnostics();
      const { result, lookups } = recordLookups(() => make(own));
      const found = own.list();
      diagnostics.addAll(found);
      // Findings may speak of the place where the layer got its arguments, which is another one each time.
      if (found.every((each) => traced !== undefined && isWithin(each, traced.span))) {
        this.#traces.set(key, this.#keep(result, found, lookups));
      }
      return result;
    },
  };

  #keep<T>(value: T, diagnostics: readonly Diagnostic[], lookups: ReadonlySet<LookupKey>): Kept<T> {
    const { files } = this.#project!;
    return {
      value,
      diagnostics: diagnostics.map((each) => anchorDiagnostic(each, files)),
      lookups: new Map([...lookups].map((key) => [key, this.#answer(key)])),
      used: this.#time,
    };
  }

  /** What was kept, if everything that it looked up is as it was. */
  #current<T>(
    kept: Kept<T> | undefined,
  ): { readonly value: T; readonly diagnostics: readonly Diagnostic[] } | undefined {
    if (kept === undefined) return undefined;
    for (const [key, answer] of kept.lookups) if (this.#answer(key) !== answer) return undefined;
    const diagnostics: Diagnostic[] = [];
    for (const each of kept.diagnostics) {
      const located = locateDiagnostic(each, this.#project!.files);
      if (located === undefined) return undefined;
      diagnostics.push(located);
    }
    kept.used = this.#time;
    addLookups(kept.lookups.keys());
    return { value: kept.value, diagnostics };
  }

  /** What a lookup finds now, as a text. */
  #answer(key: LookupKey): string {
    let answer = this.#answers.get(key);
    if (answer === undefined) {
      // What is asked here is not asked by the computation that is being recorded.
      answer = unrecorded(() => this.#lookUp(key));
      this.#answers.set(key, answer);
    }
    return answer;
  }

  #lookUp(key: LookupKey): string {
    const { file, name } = lookupOf(key);
    const scope = this.#project!.files.get(file)?.scope;
    if (scope === undefined) return 'no file';
    if (name === EVERY_NAME) {
      return scope
        .names()
        .map((each) => `${each} ${scope.find(each)!.declaration.kind}`)
        .join('\n');
    }
    const found = scope.find(name);
    if (found === undefined) return scope.isBroken(name) ? 'broken' : 'unknown';
    return this.#identifyScoped(found.declaration, found.scope);
  }

  /** A short name for what a declaration says in its file: the same text has the same one. */
  #identify(declaration: Declaration, file: Pick<ProjectFile, 'path' | 'text'>): string {
    const origin = originOf(declaration);
    let identity = this.#identities.get(origin);
    if (identity === undefined) {
      const content = `${file.path}\n${declarationText(declaration, file)}`;
      identity = this.#contents.get(content);
      if (identity === undefined) {
        identity = { name: `${this.#named++}`, used: this.#time };
        this.#contents.set(content, identity);
      }
      this.#identities.set(origin, identity);
    }
    identity.used = this.#time;
    return identity.name;
  }

  #identifyScoped(declaration: Declaration, { file }: Scope): string {
    return this.#identify(declaration, this.#project!.files.get(file)!);
  }

  #forget(): void {
    const needed = new Set(this.#checked.values());
    for (const kept of [this.#findings, this.#traces, this.#contents] as readonly Map<string, { used: number }>[]) {
      for (const [key, { used }] of kept) {
        if (this.#time - used > FORGOTTEN_AFTER && !needed.has(used)) kept.delete(key);
      }
    }
  }
}
