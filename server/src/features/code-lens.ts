/** What can be done with models and recipes, above their names. */
import type { CodeLens } from 'vscode-languageserver-types';
import { COMMANDS } from '../connection/options.js';
import { uriOf } from '../workspace/addresses.js';
import type { Place } from '../workspace/workspace.js';

export function codeLenses(place: Place): readonly CodeLens[] {
  const uri = uriOf(place.path, place.root.uri);
  return place.file.syntax.declarations.flatMap(({ kind, name, ...rest }): readonly CodeLens[] => {
    const lens = (title: string, command: string): CodeLens => ({
      range: place.rangeOf(name.span),
      command: { title, command, arguments: [uri, name.text] },
    });
    switch (kind) {
      case 'ModelDeclaration':
        return [lens('Build', COMMANDS.build), lens('Inspect', COMMANDS.inspect)];
      case 'TrainDeclaration':
        return 'of' in rest && rest.of !== undefined ? [lens('Train', COMMANDS.train)] : [];
      default:
        return [];
    }
  });
}
