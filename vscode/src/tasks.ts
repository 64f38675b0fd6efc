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
  // Every argument is quoted by itself: names in a path never become a shell's own words.
  const quoted = [...before, command, uri.fsPath, ...args].map((value) => ({
    value,
    quoting: vscode.ShellQuoting.Strong,
  }));
  const execution = new vscode.ShellExecution({ value: program!, quoting: vscode.ShellQuoting.Strong }, quoted, {
    ...(folder === undefined ? {} : { cwd: folder.uri.fsPath }),
  });
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

/** The program and its first arguments: what the settings say, what the folder has installed, or npx. */
async function commandLine(folder: vscode.Uri): Promise<readonly string[]> {
  const said = vscode.workspace.getConfiguration('hyb').get<string>('command', '');
  if (said !== '') return [said];
  const windows = vscode.env.appHost === 'desktop' && folder.fsPath.includes('\\');
  const installed = vscode.Uri.joinPath(folder, 'node_modules', '.bin', windows ? 'hyb.cmd' : 'hyb');
  try {
    await vscode.workspace.fs.stat(installed);
    return [installed.fsPath];
  } catch {
    return ['npx', 'hyb'];
  }
}
