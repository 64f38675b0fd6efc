/** As much of the editor's interface as commands and tasks need. What they ask of it can be looked at. */
import { posix } from 'node:path';

export class Uri {
  private constructor(
    readonly scheme: string,
    readonly path: string,
  ) {}
  static file(path: string): Uri {
    return new Uri('file', path.replaceAll('\\', '/'));
  }
  static parse(text: string): Uri {
    const { protocol, pathname } = new URL(text);
    return new Uri(protocol.slice(0, -1), decodeURIComponent(pathname));
  }
  static joinPath({ scheme, path }: Uri, ...parts: readonly string[]): Uri {
    return new Uri(scheme, posix.join(path, ...parts));
  }
  /** As on the machine that the path is of: `c:\models`. */
  get fsPath(): string {
    const [, drive, rest] = /^\/([a-z]:)(.*)$/i.exec(this.path) ?? [];
    return drive === undefined ? this.path : drive.toLowerCase() + rest!.replaceAll('/', '\\');
  }
  toString(): string {
    return `${this.scheme}://${this.path.split('/').map(encodeURIComponent).join('/')}`;
  }
}

export class ProcessExecution {
  constructor(
    readonly process: string,
    readonly args: readonly string[],
    readonly options: { readonly cwd?: string } = {},
  ) {}
}

export interface Quoted {
  readonly value: string;
  readonly quoting: number;
}

export class ShellExecution {
  constructor(
    readonly command: Quoted,
    readonly args: readonly Quoted[],
    readonly options: { readonly cwd?: string; readonly executable?: string } = {},
  ) {}
}

export class Task {
  group: string | undefined;
  constructor(
    readonly definition: { readonly type: string; readonly command: string; readonly file: string },
    readonly scope: unknown,
    readonly name: string,
    readonly source: string,
    readonly execution: ProcessExecution | ShellExecution,
    readonly problemMatchers: string,
  ) {}
}

export interface FakeDocument {
  readonly uri: Uri;
  isDirty: boolean;
  save(): Promise<boolean>;
}

/** @param folder the only one that is open */
export function fakeVscode(folder: Uri | undefined) {
  const commands = new Map<string, (...args: unknown[]) => unknown>();
  const state = {
    /** Commands of the editor itself that were called, with what they were given. */
    executed: [] as (readonly unknown[])[],
    told: [] as string[],
    tasks: [] as Task[],
    settings: {} as Record<string, string>,
    /** Paths that are there. */
    existing: new Set<string>(),
    documents: [] as FakeDocument[],
    active: undefined as Uri | undefined,
    opened: [] as unknown[],
    call: (name: string, ...args: unknown[]): unknown => commands.get(name)!(...args),
    registered: (): readonly string[] => [...commands.keys()],
  };
  const isInside = ({ path }: Uri): boolean => folder !== undefined && path.startsWith(`${folder.path}/`);
  const api = {
    Uri,
    ProcessExecution,
    ShellExecution,
    Task,
    ShellQuoting: { Escape: 1, Strong: 2, Weak: 3 },
    TaskScope: { Global: 1, Workspace: 2 },
    TaskGroup: { Build: 'build' },
    commands: {
      registerCommand: (name: string, work: (...args: unknown[]) => unknown) => {
        commands.set(name, work);
        return { dispose: () => commands.delete(name) };
      },
      executeCommand: async (...args: unknown[]) => state.executed.push(args),
    },
    window: {
      get activeTextEditor() {
        return state.active && { document: { uri: state.active } };
      },
      showInformationMessage: async (text: string) => state.told.push(text),
      showTextDocument: async (document: unknown) => state.opened.push(document),
    },
    workspace: {
      get textDocuments() {
        return state.documents;
      },
      workspaceFolders: folder === undefined ? undefined : [{ uri: folder }],
      getWorkspaceFolder: (uri: Uri) => (isInside(uri) ? { uri: folder } : undefined),
      getConfiguration: (section: string) => ({
        get: (name: string, fallback: string) => state.settings[`${section}.${name}`] ?? fallback,
      }),
      asRelativePath: (uri: Uri) => (isInside(uri) ? uri.path.slice(folder!.path.length + 1) : uri.fsPath),
      openTextDocument: async (options: unknown) => options,
      fs: {
        stat: async ({ path }: Uri) => {
          if (!state.existing.has(path)) throw new Error('FileNotFound');
          return {};
        },
      },
    },
    tasks: { executeTask: async (task: Task) => state.tasks.push(task) },
  };
  return { api, state };
}
