/** What clients may say when they start the server, and the requests beyond the protocol. */

export interface InitializationOptions {
  /** Texts of the workspace's `.hyb` files by URI, for servers that cannot read files themselves. */
  readonly files?: Readonly<Record<string, string>>;
}

/** Client to server, a notification: files have changed, come (`text`) or gone (`null`). For servers in a browser. */
export const FILES_CHANGED = 'hyb/filesChanged';
export interface FilesChanged {
  readonly files: readonly { readonly uri: string; readonly text: string | null }[];
}

/** Client to server: text of a file of the library or of a page of the documentation. */
export const VIRTUAL_FILE = 'hyb/virtualFile';
export interface VirtualFileParams {
  readonly uri: string;
}

/** Client to server: the models of a file, for drawing them. */
export const MODEL_VIEW = 'hyb/modelView';
export interface ModelViewParams {
  readonly uri: string;
  /** Whether kernels are wanted too, which takes a second or so. */
  readonly kernels?: boolean;
}

/** Server to client, a notification: views of these files are to be drawn again. */
export const MODELS_CHANGED = 'hyb/modelsChanged';
export interface ModelsChanged {
  readonly uris: readonly string[];
}

/** Commands that code lenses call, with the file's URI and the name of the model or recipe. Clients carry them out. */
export const COMMANDS = { build: 'hyb.build', inspect: 'hyb.inspect', train: 'hyb.train' } as const;
