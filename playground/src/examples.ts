/** Models of the repository, put in by the build: what the list of examples offers, and what a source may `use`. */
import { texts } from 'playground:examples';

/** By path in the repository. */
export const exampleTexts: Readonly<Record<string, string>> = texts;
