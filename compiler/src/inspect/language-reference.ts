/**
 * The parts of docs/language.md that follow from tables: words and operators, the standard library, what stands after
 * `param`, built-in functions, initial values and recipes. They stand in the page between two comments each.
 */
import type { Expression } from '@hyb/grammar';
import { parse } from '@hyb/grammar';
import { tokenTable } from '@hyb/grammar/tokens/token-table';
import type { TokenCategory } from '@hyb/grammar/tokens/token-table';
import { library } from '../std/library.generated.js';
import { SCALINGS } from '../trace/builtins/rope.js';
import type { Builtin, BuiltinCategory } from '../trace/builtins/builtin.js';
import { INITIALIZERS } from '../trace/builtins/initializers.js';
import { MODULES } from '../trace/builtins/modules.js';
import { builtins } from '../trace/builtins/table.js';
import { TRAIN_FIELDS } from '../train/fields.js';
import type { Choice, FieldSpec, Spec } from '../train/spec.js';

const SECTIONS: Readonly<Record<string, () => string>> = {
  words: wordsSection,
  operators: operatorsSection,
  library: librarySection,
  modules: () => Object.values(MODULES).map(described).join('\n\n'),
  builtins: builtinsSection,
  initializers: () => Object.values(INITIALIZERS).map(bullet).join('\n'),
  recipe: recipeSection,
};

/** Names of the generated sections, in the order in which they are defined. */
export const REFERENCE_SECTIONS: readonly string[] = Object.keys(SECTIONS);

/**
 * The page with its generated sections made anew; Markdown that Prettier has yet to format.
 *
 * @throws Error if the page lacks a section
 */
export function fillReference(page: string): string {
  return Object.entries(SECTIONS).reduce((text, [name, section]) => {
    const [begin, end] = [`<!-- generated: ${name} -->`, `<!-- end: ${name} -->`];
    const [from, to] = [text.indexOf(begin), text.indexOf(end)];
    if (from < 0 || to < from) throw new Error(`the page has no section '${name}'`);
    return `${text.slice(0, from + begin.length)}\n\n${section()}\n\n${text.slice(to)}`;
  }, page);
}

const WORDS: readonly (readonly [title: string, category: TokenCategory])[] = [
  ['Begin a declaration', 'declaration'],
  ['Begin a statement', 'statement'],
  ['Inside declarations and expressions', 'keyword'],
  ['Values', 'constant'],
  ['Units, after a number on the same line', 'unit'],
];

function wordsSection(): string {
  return WORDS.map(([title, category]) => `${title}:\n\n${tokens(category)}`).join('\n\n');
}

function operatorsSection(): string {
  return `${tokens('operator')}\n${tokens('word-operator')}`;
}

function tokens(category: TokenCategory): string {
  return tokenTable
    .filter((row) => row.category === category)
    .map(({ pattern, doc }) => `- ${code(String(pattern))}: ${doc}`)
    .join('\n');
}

/** Every declaration of the library that a file can use, with its parameters as they are written. */
function librarySection(): string {
  return Object.entries(library)
    .flatMap(([name, { text }]) =>
      parse(text, name).file.declarations.flatMap((declaration) => {
        if (declaration.kind === 'FunctionDeclaration') {
          return [`**${code(declaration.name.text)}** (function). ${flowed(declaration.doc)}`];
        }
        if (declaration.kind !== 'BlockDeclaration') return [];
        const { form, doc, parameters, body } = declaration;
        const slots = body.flatMap((statement) => (statement.kind === 'SlotStatement' ? [statement.name.text] : []));
        const listed = parameters.map(({ name: parameter, type, default: fallback, doc: said }) => {
          const written = [
            parameter.text,
            type === undefined ? '' : `: ${type.text}`,
            fallback === undefined ? '' : ` = ${sourceOf(fallback, text)}`,
          ].join('');
          return `- ${code(written)}${said === undefined ? '' : `: ${flowed(said)}`}`;
        });
        const own = slots.length === 0 ? '' : `\n\nSlots of its own: ${slots.map(code).join(', ')}.`;
        const title = `**${code(declaration.name.text)}** (${form}). ${flowed(doc)}`;
        return [`${title}${listed.length === 0 ? '' : `\n\n${listed.join('\n')}`}${own}`];
      }),
    )
    .join('\n\n');
}

function sourceOf({ span }: Expression, text: string): string {
  return text.slice(span.start, span.end);
}

/** A doc comment as running text; what it says of slots of its own stays. */
function flowed(doc: string | undefined): string {
  return (doc ?? '').replace(/\s*\n\s*/g, ' ').trim();
}

const CATEGORIES: Readonly<Record<Exclude<BuiltinCategory, 'scaling'>, string>> = {
  pointwise: 'Element by element',
  reduction: 'Reductions',
  shape: 'Shapes',
  sequence: 'Along the sequence',
  weights: 'Of weights',
};

function builtinsSection(): string {
  const all = [...builtins().values()];
  const parts = Object.entries(CATEGORIES).map(([category, title]) => {
    const members = all.filter((builtin) => builtin.category === category);
    const text = category === 'pointwise' ? members.map(bullet).join('\n') : members.map(detailed).join('\n\n');
    return `#### ${title}\n\n${text}`;
  });
  const scalings = SCALINGS.map((scaling) => `${bullet(scaling)}${parameterList(scaling, '  ')}`).join('\n');
  return `${parts.join('\n\n')}\n\n#### Values of \`scaling\` in \`rope\`\n\n${scalings}`;
}

interface Documented {
  readonly signature: string;
  readonly doc: string;
  readonly example: string;
}

function bullet({ signature, doc }: Pick<Documented, 'signature' | 'doc'>): string {
  return `- ${code(signature)}: ${doc}`;
}

function described({ signature, doc, example }: Documented): string {
  return `**${code(signature)}** ${doc}\n\n${fenced(example)}`;
}

function detailed(builtin: Builtin): string {
  const { signature, doc, example } = builtin;
  const options = parameterList(builtin, '');
  return `**${code(signature)}** ${doc}${options === '' ? '' : `\n${options}`}\n\n${fenced(example)}`;
}

/** Parameters that have something to be said beyond the signature: options. */
function parameterList({ parameters }: Builtin, indent: string): string {
  return parameters
    .filter(({ default: fallback }) => fallback !== undefined)
    .map(({ name, doc, choices }) => {
      const among = choices === undefined ? '' : ` One of ${choices.map((choice) => code(`"${choice}"`)).join(', ')}.`;
      return `\n${indent}- ${code(name)}: ${doc}${among}`;
    })
    .join('');
}

function fenced(statements: string): string {
  return `\`\`\`hyb fragment=body\n${statements}\n\`\`\``;
}

function recipeSection(): string {
  const fields: readonly (readonly [string, FieldSpec])[] = Object.entries(TRAIN_FIELDS);
  return fields
    .map(([name, { doc, example, required, spec }]) => {
      const must = required === true ? ' Must be given.' : '';
      const written = example === undefined ? '' : ` ${code(example)}`;
      return `- **${code(name)}**: ${doc}${must}${written}${choicesOf(spec, '  ')}${partsOf(spec)}`;
    })
    .join('\n');
}

function choicesOf(spec: Spec, indent: string): string {
  if (spec.kind === 'any') return spec.of.map((each) => choicesOf(each, indent)).join('');
  if (spec.kind !== 'choice') return '';
  return (spec.of as readonly Choice[])
    .map(({ name, doc, parameters }) => {
      const names = Object.keys(parameters);
      const written = names.length === 0 ? name : `${name}(${names.join(', ')})`;
      return `\n${indent}- ${code(written)}: ${doc}`;
    })
    .join('');
}

function partsOf(spec: Spec): string {
  if (spec.kind !== 'record') return '';
  return Object.entries(spec.fields)
    .map(([name, { doc }]) => `\n  - ${code(name)}: ${doc}`)
    .join('');
}

function code(text: string): string {
  return `\`${text.replace(/\s+/g, ' ')}\``;
}
