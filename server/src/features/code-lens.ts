/** What can be done with models and recipes, above their names. */
import type { CodeLens } from 'vscode-languageserver-types';
import { COMMANDS } from '../connection/options.js';
import type { Place } from '../workspace/workspace.js';

export function codeLenses(place: Place): readonly CodeLens[] {
  const uri = place.root.uriOf(place.path);
  return place.file.syntax.declarations.flatMap((declaration): readonly CodeLens[] => {
    const { name } = declaration;
    const lens = (title: string, command: string): CodeLens => ({
      range: place.rangeOf(name.span),
      command: { title, command, arguments: [uri, name.text] },
    });
    switch (declaration.kind) {
      case 'ModelDeclaration':
        return [lens('Build', COMMANDS.build), lens('Inspect', COMMANDS.inspect)];
      case 'TrainDeclaration':
        // A derived recipe trains its base's model.
        return (declaration.of ?? declaration.base) ? [lens('Train', COMMANDS.train)] : [];
      default:
        return [];
    }
  });
}
