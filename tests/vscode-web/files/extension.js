// A workspace in memory: what VS Code in a browser edits where there is no disk and no server. The
// test puts the texts before this script, as WORKSPACE.
const vscode = require('vscode');

exports.activate = function activate(context) {
  const files = new Map(Object.entries(WORKSPACE).map(([path, text]) => [path, new TextEncoder().encode(text)]));
  const changed = new vscode.EventEmitter();
  const folders = () =>
    new Set(
      [...files.keys()].flatMap((path) =>
        path
          .split('/')
          .slice(0, -1)
          .map((_, i, parts) => parts.slice(0, i + 1).join('/') || '/'),
      ),
    );
  const missing = (uri) => vscode.FileSystemError.FileNotFound(uri);
  const provider = {
    onDidChangeFile: changed.event,
    watch: () => new vscode.Disposable(() => {}),
    stat(uri) {
      const file = files.get(uri.path);
      if (file) return { type: vscode.FileType.File, ctime: 0, mtime: Date.now(), size: file.length };
      if (folders().has(uri.path)) return { type: vscode.FileType.Directory, ctime: 0, mtime: 0, size: 0 };
      throw missing(uri);
    },
    readDirectory(uri) {
      const below = uri.path === '/' ? '/' : `${uri.path}/`;
      const inside = [...files.keys()].filter((path) => path.startsWith(below)).map((path) => path.slice(below.length));
      return [...new Set(inside.map((path) => path.split('/')[0]))].map((name) => [
        name,
        inside.includes(name) ? vscode.FileType.File : vscode.FileType.Directory,
      ]);
    },
    readFile(uri) {
      const file = files.get(uri.path);
      if (!file) throw missing(uri);
      return file;
    },
    writeFile(uri, content) {
      files.set(uri.path, content);
      changed.fire([{ type: vscode.FileChangeType.Changed, uri }]);
    },
    createDirectory() {},
    delete: (uri) => void files.delete(uri.path),
    rename() {
      throw vscode.FileSystemError.NoPermissions();
    },
  };
  context.subscriptions.push(vscode.workspace.registerFileSystemProvider('memfs', provider, { isCaseSensitive: true }));
};
