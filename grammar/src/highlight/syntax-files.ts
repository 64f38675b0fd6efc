import { languageConfiguration } from './language-configuration.js';
import { markdownGrammar, textMateGrammar } from './textmate.js';

/** The generated files of `grammar/syntaxes`, by name. */
export function syntaxFiles(): Readonly<Record<string, string>> {
  const print = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
  return {
    'hyb.tmLanguage.json': print(textMateGrammar()),
    'hyb-markdown.tmLanguage.json': print(markdownGrammar()),
    'language-configuration.json': print(languageConfiguration()),
  };
}
