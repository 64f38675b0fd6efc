/** Highlighting and indentation, from the grammar's table of tokens. */
import { LanguageSupport, StreamLanguage } from '@codemirror/language';
import { streamParser } from '@hyb/grammar/highlight/codemirror';

export const hybLanguage = new LanguageSupport(StreamLanguage.define(streamParser));
