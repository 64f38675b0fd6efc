import { EOF } from 'chevrotain';
import type { Diagnostic, Fix, Span } from '../diagnostics/diagnostic.js';
import { wordsOf } from '../tokens/token-table.js';
import { Name, token } from '../tokens/vocabulary.js';
import { closest } from './closest.js';
import { replacing } from './findings.js';
import { report } from './messages.js';
import { endOf, type Token } from './token.js';

/** Where the parser could not go on, and why. */
export interface Problem {
  /** What was expected, in words. */
  readonly expected: string;
  readonly found: Token;
  readonly previous: Token | undefined;
  /** It stands between the parts of a list, where a part or the end of the list was expected. */
  readonly stray: boolean;
  /** Rules that were being read, outermost first. */
  readonly rules: readonly string[];
  readonly file: string;
  readonly text: string;
}

const Assign = token('Assign');
const Colon = token('Colon');
const LeftParen = token('LeftParen');
const NumberToken = token('Number');
const Star = token('Star');
const StringToken = token('String');

const isWord = (each: Token | undefined) => each?.tokenType.CATEGORIES?.includes(Name) === true;

/** How messages call a token that stands in the file. */
export function describe(each: Token): string {
  if (each.tokenType === EOF) return 'the end of the file';
  const text = each.image.length > 30 ? `${each.image.slice(0, 29)}…` : each.image;
  return each.tokenType === StringToken ? `the string ${text}` : `\`${text}\``;
}

/** Turns the place where the parser could not go on into the diagnostic that says most about it. */
export function explainProblem(problem: Problem): Diagnostic {
  for (const explain of explanations) {
    const diagnostic = explain(problem);
    if (diagnostic !== undefined) return diagnostic;
  }
  const { expected, found } = problem;
  const details = { expected, found: describe(found), fixes: missingSign(problem) };
  return report('HYB0208', placeOf(problem), { expected, found: describe(found) }, details);
}

/** Signs and words that are most likely just missing when something else stands in their place. */
const ADDED: Readonly<Record<string, string>> = { '`=`': ' =', '`:`': ':', '`then`': ' then', '`in`': ' in' };
const VALUE_BEGINNINGS = ['Number', 'String', 'LeftParen', 'LeftBracket'].map(token);

function missingSign({ expected, found, previous, file }: Problem): readonly Fix[] {
  const added = ADDED[expected];
  if (added === undefined || previous === undefined || found.firstOnLine) return [];
  if (!isWord(found) && !VALUE_BEGINNINGS.includes(found.tokenType)) return [];
  const word = added.trim();
  // `t of time`: another word stands where the right one should.
  if (/^\w/.test(word) && isWord(found) && isWord(found.next)) {
    return [replacing(`Write ${expected}`, spanOf(found, file), word)];
  }
  const place = { file, start: endOf(previous), end: endOf(previous) };
  return [replacing(`Add ${expected}`, place, added)];
}

const spanOf = (each: Token, file: string): Span => ({ file, start: each.startOffset, end: endOf(each) });

/** The found token, or the end of what stands before it if that is where something is missing. */
function placeOf({ found, previous, file }: Problem): Span {
  if (previous !== undefined && (found.firstOnLine || found.tokenType === EOF)) {
    return { file, start: endOf(previous), end: endOf(previous) };
  }
  return spanOf(found, file);
}

/** From the special to the general: the first one that fits is taken. */
const explanations: readonly ((problem: Problem) => Diagnostic | undefined)[] = [
  confusedSigns,
  assignInCondition,
  textAfterValue,
  declarationExpected,
  statementExpected,
  missingInputs,
  inputWithType,
  reversedRepetition,
  valueInPattern,
  repetitionCount,
  missingElse,
  nameExpected,
  expressionExpected,
];

/** `width: 64`, `f(a: 1)`, `x = [time, width]` as an input, `{ "*" = A }` */
function confusedSigns({ expected, found, previous, file }: Problem): Diagnostic | undefined {
  let meant: string | undefined;
  if (found.tokenType === Colon && (expected === '`=`' || (expected === 'an argument' && isWord(previous))))
    meant = '=';
  if (found.tokenType === Assign && (expected === '`:`' || expected === 'an input')) meant = ':';
  if (meant === undefined) return undefined;
  const span = spanOf(found, file);
  const place = { ...span, start: previous === undefined ? span.start : endOf(previous) };
  const fix = replacing(`Write \`${meant}\``, place, meant === '=' ? ' =' : ':');
  const details = { expected: `\`${meant}\``, found: describe(found), fixes: [fix] };
  return report('HYB0204', span, { expected: meant, found: found.image }, details);
}

function assignInCondition({ expected, found, file }: Problem): Diagnostic | undefined {
  if (found.tokenType !== Assign || !(expected === '`then`' || expected === '`==`')) return undefined;
  const span = spanOf(found, file);
  const fixes = [replacing('Write `==`', span, '==')];
  return report('HYB0305', span, {}, { expected: '`==`', found: '`=`', fixes });
}

function declarationExpected(problem: Problem): Diagnostic | undefined {
  const { expected, found, file } = problem;
  if (expected !== 'a declaration') return undefined;
  const span = spanOf(found, file);
  const keywords = wordsOf('declaration');
  const details = { expected: keywords.map((word) => `\`${word}\``).join(', '), found: describe(found) };
  const fixes = isWord(found.next) ? misspelled(found, keywords, span) : [];
  return report('HYB0201', span, { found: describe(found) }, { ...details, fixes });
}

function statementExpected(problem: Problem): Diagnostic | undefined {
  const { expected, found, file } = problem;
  if (expected !== 'a statement') return undefined;
  const span = spanOf(found, file);
  const keywords = wordsOf('statement');
  const details = { expected: keywords.map((word) => `\`${word}\``).join(', '), found: describe(found) };
  const fixes = found.next?.tokenType === Assign ? [] : misspelled(found, keywords, span);
  return report('HYB0205', span, { found: describe(found) }, { ...details, fixes });
}

function misspelled(found: Token, keywords: readonly string[], span: Span): readonly Fix[] {
  const meant = isWord(found) ? closest(found.image, keywords) : undefined;
  return meant === undefined ? [] : [replacing(`Did you mean \`${meant}\`?`, span, meant)];
}

/** `block Nothing { … }` */
function missingInputs({ expected, found, previous, rules, file }: Problem): Diagnostic | undefined {
  if (expected !== '`(`' || rules.at(-1) !== 'inputs' || found.tokenType === LeftParen) return undefined;
  const name = isWord(previous) ? previous!.image : '';
  const end = previous === undefined ? found.startOffset : endOf(previous);
  const span = { file, start: end, end };
  const details = { expected: '`(`', found: describe(found) };
  const fixes = isWord(found) ? [] : [replacing('Add an input', span, '(x: [time, width])')];
  return report('HYB0207', span, { name }, { ...details, fixes });
}

/** `block MLP(inner: int) { … }` */
function inputWithType({ expected, found, previous, rules, file }: Problem): Diagnostic | undefined {
  if (expected !== '`[`' || !rules.includes('tensorInput') || rules.at(-1) !== 'shape' || !isWord(found))
    return undefined;
  if (previous?.tokenType !== Colon) return undefined;
  return report('HYB0211', spanOf(found, file), { type: found.image }, { expected: '`[`', found: describe(found) });
}

/** `3*M` in a pattern. */
function reversedRepetition({ expected, found, file, text }: Problem): Diagnostic | undefined {
  const star = found.next;
  const item = star?.next;
  if (expected !== 'a layer' || found.tokenType !== NumberToken || star?.tokenType !== Star || item === undefined) {
    return undefined;
  }
  if (!isWord(item) && item.tokenType !== LeftParen) return undefined;
  const last = item.match ?? item;
  const span = { file, start: found.startOffset, end: endOf(star) };
  const fixed = `${text.slice(item.startOffset, endOf(last))}*${found.image}`;
  const whole = { ...span, end: endOf(last) };
  const fixes = [replacing(`Write \`${fixed}\``, whole, fixed)];
  return report('HYB0403', span, { fixed: fixed.length > 40 ? '(…)*n' : fixed }, { fixes });
}

function valueInPattern(problem: Problem): Diagnostic | undefined {
  const { expected, found, previous, file } = problem;
  if (expected !== 'a layer') return undefined;
  const fixes: Fix[] = [];
  const isNumbers = found.tokenType === NumberToken && previous?.image === '[' && previous.match?.virtual !== true;
  if (isNumbers && previous.match !== undefined) {
    const edits = [
      { span: spanOf(previous, file), text: '(' },
      { span: spanOf(previous.match, file), text: ')' },
    ];
    fixes.push({ title: 'Make it a tuple', edits });
  }
  const details = { expected: 'a name or a group', found: describe(found), fixes };
  return report('HYB0401', placeOf(problem), { found: describe(found) }, details);
}

/** `M*n` in a pattern. */
function repetitionCount(problem: Problem): Diagnostic | undefined {
  if (problem.rules.at(-1) !== 'patternItem' || problem.expected !== 'a number') return undefined;
  const found = describe(problem.found);
  return report('HYB0402', placeOf(problem), { found }, { expected: 'a whole number', found });
}

function missingElse(problem: Problem): Diagnostic | undefined {
  if (problem.expected !== '`else`') return undefined;
  const { found } = problem;
  return report('HYB0212', placeOf(problem), {}, { expected: '`else`', found: describe(found) });
}

function nameExpected(problem: Problem): Diagnostic | undefined {
  const { expected, found, file } = problem;
  if (expected !== 'a name') return undefined;
  const fixes: Fix[] = [];
  const word = /^"([A-Za-z_]\w*)"$/.exec(found.image)?.[1];
  if (found.tokenType === StringToken && word !== undefined) {
    fixes.push(replacing('Remove the quotes', spanOf(found, file), word));
  }
  return report('HYB0203', placeOf(problem), {}, { expected, found: describe(found), fixes });
}

const VALUES: readonly string[] = ['an expression', 'an argument', 'an index', 'a dimension'];

function expressionExpected(problem: Problem): Diagnostic | undefined {
  const { expected, found, previous, stray } = problem;
  if (!VALUES.includes(expected)) return undefined;
  // After a value in a list something else is wrong.
  if (stray && previous !== undefined && endsValue(previous) && found.image !== ',') return undefined;
  const place = previous === undefined ? 'here' : `after ${describe(previous)}`;
  return report('HYB0301', placeOf(problem), { place }, { expected, found: describe(found) });
}

const AFTER_VALUES: readonly string[] = [...VALUES, 'a field', 'a statement', 'a precision rule', 'a tensor name'];

/** Something stands after a value where only the end of the list or of the line was possible. */
function textAfterValue(problem: Problem): Diagnostic | undefined {
  const { expected, found, previous, stray } = problem;
  if (!stray || !AFTER_VALUES.includes(expected) || previous === undefined || !endsValue(previous)) return undefined;
  if (found.firstOnLine || found.tokenType === EOF || found.image === ',') return undefined;
  return report('HYB0307', placeOf(problem), { found: describe(found) }, { found: describe(found) });
}

export function endsValue(each: Token): boolean {
  return isWord(each) || [NumberToken, StringToken].includes(each.tokenType) || /[)\]}]$/.test(each.image);
}
