/** The command line as tasks, with its findings as problems. */
import * as vscode from 'vscode';

interface HybDefinition extends vscode.TaskDefinition {
  readonly command: string;
  readonly file: string;
  readonly args?: readonly string[];
}

export class HybTasks implements vscode.TaskProvider {
  /** `check` and `build` of the file in the active editor. */
  async provideTasks(): Promise<vscode.Task[]> {
    const uri = vscode.window.activeTextEditor?.document.uri;
    if (uri?.scheme !== 'file' || !uri.path.endsWith('.hyb')) return [];
    return Promise.all(['check', 'build'].map((command) => makeTask(command, uri, [])));
  }

  async resolveTask(task: vscode.Task): Promise<vscode.Task | undefined> {
    const { command, file, args = [] } = task.definition as HybDefinition;
    const folder = vscode.workspace.workspaceFolders?.[0];
    if (typeof command !== 'string' || typeof file !== 'string' || folder === undefined) return undefined;
    const uri = /^([a-z]:)?[/\\]/i.test(file) ? vscode.Uri.file(file) : vscode.Uri.joinPath(folder.uri, file);
    return makeTask(command, uri, args, task.definition as HybDefinition);
  }
}

export async function runHyb(command: string, uri: vscode.Uri, args: readonly string[]): Promise<void> {
  await vscode.tasks.executeTask(await makeTask(command, uri, args));
}

async function makeTask(
  command: string,
  uri: vscode.Uri,
  args: readonly string[],
  definition: HybDefinition = { type: 'hyb', command, file: vscode.workspace.asRelativePath(uri, false), args },
): Promise<vscode.Task> {
  const folder = vscode.workspace.getWorkspaceFolder(uri);
  const [program, ...before] = await commandLine(folder?.uri ?? vscode.Uri.joinPath(uri, '..'));
  const execution = executionOf(program!, [...before, command, uri.fsPath, ...args], folder?.uri.fsPath);
  const task = new vscode.Task(
    definition,
    folder ?? vscode.TaskScope.Workspace,
    `${command} ${definition.file}`,
    'hyb',
    execution,
    '$hyb',
  );
  if (command === 'build') task.group = vscode.TaskGroup.Build;
  task.presentationOptions = { clear: true, showReuseMessage: false };
  return task;
}

/**
 * Without a shell wherever there is a way: names of files are anybody's, and the quotes that editors put around a shell's words
 * do not hold a quote inside.
 */
function executionOf(
  program: string,
  args: readonly string[],
  cwd: string | undefined,
): vscode.ProcessExecution | vscode.ShellExecution {
  const options = cwd === undefined ? {} : { cwd };
  if (!isWindows(cwd ?? program)) return new vscode.ProcessExecution(program, [...args], options);
  // npm's programs are scripts of this shell there, and no name of a file has the only quote that it knows.
  const quoted = (value: string): vscode.ShellQuotedString => ({ value, quoting: vscode.ShellQuoting.Strong });
  const shell = { executable: 'cmd.exe', shellArgs: ['/d', '/c'] };
  return new vscode.ShellExecution(quoted(program), args.map(quoted), { ...options, ...shell });
}

function isWindows(path: string): boolean {
  return /^([a-z]:|\\\\)/i.test(path);
}

/** The program and its first arguments: what the settings say, what the folder has installed, or what npx finds. */
async function commandLine(folder: vscode.Uri): Promise<readonly string[]> {
  const said = vscode.workspace.getConfiguration('hyb').get<string>('command', '');
  if (said !== '') return [said];
  const installed = vscode.Uri.joinPath(folder, 'node_modules', '.bin', isWindows(folder.fsPath) ? 'hyb.cmd' : 'hyb');
  try {
    await vscode.workspace.fs.stat(installed);
    return [installed.fsPath];
  } catch {
    // What is not installed is not fetched: a name in a registry may be anybody's.
    return ['npx', '--no', 'hyb'];
  }
}
