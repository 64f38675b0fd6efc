import { reporter } from '../diagnostics/catalogue.js';
import { expressionMessages } from './messages/expressions.js';
import { lexicalMessages } from './messages/lexical.js';
import { structureMessages } from './messages/structure.js';

/** Every message of the parser. Pages in docs/errors and `hyb explain` are made of it. */
export const messages = { ...lexicalMessages, ...structureMessages, ...expressionMessages } as const;

export const report: ReturnType<typeof reporter<typeof messages>> = reporter(messages);
