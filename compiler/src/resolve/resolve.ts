import type { Diagnostic, ModelDeclaration } from '@hyb/grammar';
import { Diagnostics } from '../diagnostics/collector.js';
import { didYouMean } from '../diagnostics/suggest.js';
import type { Model } from '../model/model.js';
import type { Project } from '../sources/project.js';
import type { Declared } from '../sources/scope.js';
import { resolveTrain } from '../train/resolve-train.js';
import type { TrainRecipe } from '../train/resolve-train.js';
import { weightTemplates } from '../weights/declaration.js';
import { report } from './messages/report.js';
import { resolveModel } from './resolve-model.js';

export interface Resolved {
  /** In the order of the source. A model with an error in a part that later stages need is left out. */
  readonly models: readonly Model[];
  /** Recipes of the entry files. One with an error is left out. */
  readonly trains: readonly TrainRecipe[];
  /** Findings of this stage; those of reading the files stand in the project. */
  readonly diagnostics: readonly Diagnostic[];
}

/** Resolves the models of a project's entry files, or the one asked for by name. */
export function resolve(project: Project, modelName?: string): Resolved {
  const diagnostics = new Diagnostics();
  const known = new Map<ModelDeclaration, Model | undefined>();
  const lookup = ({ declaration, scope }: Declared<ModelDeclaration>): Model | undefined => {
    if (!known.has(declaration)) known.set(declaration, resolveModel({ declaration, scope }, diagnostics));
    return known.get(declaration);
  };
  const declared = project.entries.flatMap((entry) =>
    entry.syntax.declarations.flatMap((declaration): Declared<ModelDeclaration>[] =>
      declaration.kind === 'ModelDeclaration' ? [{ declaration, scope: entry.scope }] : [],
    ),
  );
  const wanted = declared.filter(({ declaration }) => modelName === undefined || declaration.name.text === modelName);
  const models = wanted.flatMap((one) => lookup(one) ?? []);
  const trains = project.entries.flatMap((entry) =>
    entry.syntax.declarations.flatMap((declaration) =>
      declaration.kind === 'TrainDeclaration'
        ? (resolveTrain({ declaration, scope: entry.scope }, lookup, diagnostics) ?? [])
        : [],
    ),
  );
  for (const { syntax, scope } of project.entries) {
    for (const declaration of syntax.declarations) {
      if (declaration.kind === 'WeightsDeclaration') weightTemplates({ declaration, scope }, diagnostics);
    }
  }
  if (modelName !== undefined && wanted.length === 0 && project.entries[0] !== undefined) {
    const { span } = project.entries[0].syntax;
    const names = declared.map(({ declaration }) => declaration.name.text);
    const { fixes: _, ...details } = didYouMean(span, modelName, names);
    diagnostics.add(
      report('HYB2060', { ...span, end: span.start }, { name: modelName }, { ...details, expected: names.join(', ') }),
    );
  }
  return { models, trains, diagnostics: diagnostics.list() };
}
