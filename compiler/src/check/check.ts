/** Everything that can be said about a project without compiling it: what `hyb check` and the editor show. */
import type { BlockDeclaration, Diagnostic } from '@hyb/grammar';
import { Diagnostics } from '../diagnostics/collector.js';
import type { Model, NormInstance } from '../model/model.js';
import { resolve } from '../resolve/resolve.js';
import type { Project } from '../sources/project.js';
import { checkDeclaration } from '../trace/generic/check.js';
import { trace } from '../trace/trace.js';

/**
 * Findings of all stages up to the graph: reading, names, models, layers as they stand in models, and blocks and
 * functions of the entry files that no model uses, checked for all their arguments.
 */
export function checkProject(project: Project): readonly Diagnostic[] {
  const found = new Diagnostics();
  found.addAll(project.diagnostics);
  const { models, diagnostics } = resolve(project);
  found.addAll(diagnostics);
  const used = new Set<BlockDeclaration>();
  for (const model of models) {
    found.addAll(trace(model).diagnostics);
    for (const declaration of declarationsOf(model)) used.add(declaration);
  }
  for (const { syntax, scope } of project.entries) {
    for (const declaration of syntax.declarations) {
      if (declaration.kind === 'BlockDeclaration' && used.has(declaration)) continue;
      found.addAll(checkDeclaration(declaration, scope));
    }
  }
  return found.list();
}

/** Blocks and norms that stand in a model's layers and head. */
function declarationsOf({ layers, head }: Model): readonly BlockDeclaration[] {
  const norms: (NormInstance | null | undefined)[] = [head.norm];
  for (const { block } of layers) norms.push(...Object.values(block.slots));
  return [...layers.map(({ block }) => block.declaration), ...norms.flatMap((norm) => norm?.declaration ?? [])];
}
