import { EOF } from 'chevrotain';
import type {
  BlockDeclaration,
  Comment,
  Declaration,
  FunctionDeclaration,
  Input,
  LibraryPath,
  ModelDeclaration,
  ModelItem,
  Name as NameNode,
  Parameter,
  PrecisionBlock,
  PrecisionRule,
  SourceFile,
  StringLiteral,
  TrainDeclaration,
  Use,
  UsedName,
  WeightsDeclaration,
  WeightsEntry,
} from '../ast/ast.js';
import { Name, token } from '../tokens/vocabulary.js';
import { beginsDeclaration, commas, isString, isWord, optionalCommas } from './base-parser.js';
import { type Findings, replacing } from './findings.js';
import { report } from './messages.js';
import { StatementParser } from './statement-parser.js';
import { endOf, type Token } from './token.js';

const As = token('As');
const Assign = token('Assign');
const Block = token('Block');
const Colon = token('Colon');
const Dot = token('Dot');
const Fn = token('Fn');
const In = token('In');
const LeftBrace = token('LeftBrace');
const LeftParen = token('LeftParen');
const Model = token('Model');
const Norm = token('Norm');
const Of = token('Of');
const Precision = token('Precision');
const RightBrace = token('RightBrace');
const RightParen = token('RightParen');
const StringToken = token('String');
const Train = token('Train');
const UseToken = token('Use');
const Weights = token('Weights');
const With = token('With');

interface Source {
  readonly file: string;
  readonly text: string;
  readonly findings: Findings;
}

/** Rules of declarations and of the whole file. One instance serves all files. */
export class FileParser extends StatementParser {
  #uses: Use[] = [];
  #declarations: Declaration[] = [];
  #comments: readonly Comment[] = [];
  #documented = new Set<Comment>();

  constructor(validate = false) {
    super(validate);
    this.performSelfAnalysis();
  }

  /** Prepares for a file; `file` is the rule to start with. */
  begin(tokens: Token[], comments: readonly Comment[], source: Source): void {
    this.input = tokens;
    this.level = 0;
    this.#uses = [];
    this.#declarations = [];
    this.#comments = comments;
    this.#documented = new Set();
    this.file = source.file;
    this.text = source.text;
    this.findings = source.findings;
  }

  /** What has been read so far. */
  result(): SourceFile {
    return {
      kind: 'SourceFile',
      span: this.span(0, this.text.length),
      uses: this.#uses,
      declarations: this.#declarations,
      comments: this.#comments,
    };
  }

  /** Doc comments that stand before nothing that they could describe. */
  strayDocs(): readonly Comment[] {
    return this.#comments.filter((each) => each.doc && !this.#documented.has(each));
  }

  protected docBefore(first: Token): { readonly doc?: string } {
    let index = lastBefore(this.#comments, first.startOffset);
    const docs: Comment[] = [];
    for (; index >= 0 && this.#comments[index]!.span.start >= first.previousEnd; index--) {
      const comment = this.#comments[index]!;
      if (comment.doc) docs.unshift(comment);
    }
    if (docs.length === 0) return {};
    for (const each of docs) this.#documented.add(each);
    return { doc: docs.map(({ text }) => text.replace(/^ /, '').trimEnd()).join('\n') };
  }

  readonly sourceFile = this.RULE('sourceFile', () => {
    this.list(0, {
      closer: EOF,
      expected: 'a declaration',
      begins: (each) => beginsDeclaration(each),
      part: () =>
        this.choose(0, 'a declaration', [
          {
            when: UseToken,
            ALT: () => {
              const use = this.SUBRULE(this.use);
              this.ACTION(() => this.#uses.push(use));
            },
          },
          {
            when: () => true,
            ALT: () => {
              const declaration = this.SUBRULE(this.declaration);
              this.ACTION(() => this.#declarations.push(declaration));
            },
          },
        ]),
      ends: (each) => each.firstOnLine && beginsDeclaration(each),
    });
  });

  private readonly use = this.RULE('use', (): Use => {
    const first = this.CONSUME(UseToken);
    const names: UsedName[] = [];
    const segments: NameNode[] = [];
    const path = this.choose<StringLiteral | undefined>(0, 'a file or a library', [
      { when: StringToken, ALT: () => this.string(0) },
      {
        when: Name,
        ALT: () => {
          const name = this.name(0);
          this.ACTION(() => segments.push(name));
          return undefined;
        },
      },
    ]);
    const isSegment = () => this.nextIs(Dot) && this.nextIs(Name, 2);
    this.repeat(0, isSegment, () => {
      this.CONSUME(Dot);
      const name = this.name(1);
      this.ACTION(() => segments.push(name));
    });
    const braces = this.maybe(0, Dot, () => {
      this.CONSUME2(Dot);
      this.CONSUME(LeftBrace);
      this.list(2, {
        closer: RightBrace,
        separator: commas,
        expected: 'a name',
        begins: isWord,
        part: () => {
          const used = this.SUBRULE(this.usedName);
          this.ACTION(() => names.push(used));
        },
      });
      this.CONSUME(RightBrace);
      return true;
    });
    const isAlias = () => this.nextIs(As) && braces !== true;
    const alias = this.maybe(1, isAlias, () => {
      this.CONSUME(As);
      return this.name(3);
    });
    return this.ACTION(() => {
      const span = this.spanFrom(first);
      if (braces !== true) {
        // Without braces the last dotted name is the one used.
        const name = segments.length > (path === undefined ? 1 : 0) ? segments.pop() : undefined;
        if (name === undefined) this.report(report('HYB0209', span, {}, { expected: '`.Name` or `.{Name, …}`' }));
        else
          names.push({ kind: 'UsedName', span: this.span(name.span.start, span.end), name, ...(alias && { alias }) });
      }
      if (this.#declarations.length > 0) this.reportLateUse(first as Token);
      const from = path ?? this.libraryPath(segments);
      return { kind: 'Use', span, from, names };
    });
  });

  private libraryPath(segments: readonly NameNode[]): LibraryPath {
    const start = segments[0]?.span.start ?? endOf(this.previous);
    return { kind: 'LibraryPath', span: this.span(start, segments.at(-1)?.span.end ?? start), segments };
  }

  private reportLateUse(word: Token): void {
    const [declaration] = this.#declarations;
    const related = [{ span: declaration!.name.span, message: 'the first declaration' }];
    this.report(report('HYB0202', this.spanOf(word), {}, { related }));
  }

  private readonly usedName = this.RULE('usedName', (): UsedName => {
    const first = this.peek();
    const name = this.name(0);
    const alias = this.maybe(0, As, () => {
      this.CONSUME(As);
      return this.name(1);
    });
    return this.ACTION(() => ({ kind: 'UsedName', span: this.spanFrom(first), name, ...(alias && { alias }) }));
  });

  private readonly declaration = this.RULE('declaration', (): Declaration => {
    return this.choose<Declaration>(0, 'a declaration', [
      { when: Model, ALT: () => this.SUBRULE(this.model) },
      { when: Train, ALT: () => this.SUBRULE(this.train) },
      { when: () => this.nextIs(Block) || this.nextIs(Norm), ALT: () => this.SUBRULE(this.block) },
      { when: Fn, ALT: () => this.SUBRULE(this.fn) },
      { when: Weights, ALT: () => this.SUBRULE(this.weights) },
    ]);
  });

  private readonly model = this.RULE('model', (): ModelDeclaration => {
    const first = this.CONSUME(Model) as Token;
    const name = this.name(0);
    const { base, items } = this.SUBRULE(this.modelBody);
    return this.ACTION(() => {
      const kind = 'ModelDeclaration' as const;
      return { kind, span: this.spanFrom(first), ...this.docBefore(first), name, ...(base && { base }), items };
    });
  });

  private readonly train = this.RULE('train', (): TrainDeclaration => {
    const first = this.CONSUME(Train) as Token;
    const name = this.name(0);
    const of = this.maybe(0, Of, () => {
      this.CONSUME(Of);
      return this.name(1);
    });
    const { base, items } = this.SUBRULE(this.modelBody);
    return this.ACTION(() => ({
      kind: 'TrainDeclaration',
      span: this.spanFrom(first),
      ...this.docBefore(first),
      name,
      ...(of && { of }),
      ...(base && { base }),
      items,
    }));
  });

  /** `{ … }`, `= Base` or `= Base with { … }` */
  private readonly modelBody = this.RULE('modelBody', (): { base?: NameNode; items: readonly ModelItem[] } => {
    return this.choose<{ base?: NameNode; items: readonly ModelItem[] }>(0, '`{` or `=`', [
      { when: LeftBrace, ALT: () => ({ items: this.SUBRULE(this.items) }) },
      {
        when: Assign,
        ALT: () => {
          this.CONSUME(Assign);
          const base = this.name(0);
          const changes = () => this.nextIs(With) || this.nextIs(LeftBrace);
          const items = this.maybe(0, changes, () => {
            this.with();
            return this.SUBRULE2(this.items);
          });
          return { base, items: items ?? [] };
        },
      },
    ]);
  });

  private with(): void {
    this.maybe(7, With, () => this.CONSUME(With));
    this.ACTION(() => this.checkWith());
  }

  private checkWith(): void {
    const { previous } = this;
    if (previous.tokenType === With || !this.nextIs(LeftBrace)) return;
    const end = endOf(previous);
    const fix = replacing('Add `with`', this.span(end, end), ' with');
    const details = { expected: '`with`', found: '`{`', fixes: [fix] };
    this.report(report('HYB0210', this.spanOf(this.peek()), {}, details));
  }

  private readonly items = this.RULE('items', (): ModelItem[] => {
    const items: ModelItem[] = [];
    this.CONSUME(LeftBrace);
    this.list(0, {
      closer: RightBrace,
      separator: optionalCommas,
      expected: 'a field',
      begins: this.beginsItem,
      part: () => {
        const item = this.SUBRULE(this.item);
        this.ACTION(() => items.push(item));
      },
    });
    this.CONSUME(RightBrace);
    return items;
  });

  private readonly item = this.RULE('item', (): ModelItem => {
    return this.choose<ModelItem>(0, 'a field', [
      {
        when: () => this.nextIs(Precision) && this.nextIs(LeftBrace, 2),
        ALT: () => this.SUBRULE(this.precision),
      },
      { when: Name, ALT: () => this.SUBRULE(this.field) },
    ]);
  });

  private readonly precision = this.RULE('precision', (): PrecisionBlock => {
    const first = this.CONSUME(Precision);
    const rules: PrecisionRule[] = [];
    this.CONSUME(LeftBrace);
    this.list(0, {
      closer: RightBrace,
      separator: optionalCommas,
      expected: 'a precision rule',
      begins: this.beginsItem,
      part: () => {
        const rule = this.SUBRULE(this.precisionRule);
        this.ACTION(() => rules.push(rule));
      },
    });
    this.CONSUME(RightBrace);
    return this.ACTION(() => ({ kind: 'PrecisionBlock', span: this.spanFrom(first), rules }));
  });

  private readonly precisionRule = this.RULE('precisionRule', (): PrecisionRule => {
    const first = this.peek();
    const role = this.name(0);
    const selector = this.maybe(0, In, () => {
      this.CONSUME(In);
      return this.SUBRULE(this.path);
    });
    this.CONSUME(Assign);
    const type = this.name(1);
    return this.ACTION(() => {
      const kind = 'PrecisionRule' as const;
      return { kind, span: this.spanFrom(first), role, ...(selector && { selector }), type };
    });
  });

  private readonly block = this.RULE('block', (): BlockDeclaration => {
    const first = this.choose(0, 'a block', [
      { when: Block, ALT: () => this.CONSUME(Block) },
      { when: Norm, ALT: () => this.CONSUME(Norm) },
    ]) as Token;
    const name = this.name(0);
    const hasParameters = () => this.nextIs(LeftParen) && this.peek().match?.next?.tokenType === LeftParen;
    const parameters = this.maybe(1, hasParameters, () => this.SUBRULE(this.parameters));
    const inputs = this.SUBRULE(this.inputs);
    const result = this.resultShape();
    const body = this.SUBRULE(this.body);
    return this.ACTION(() => ({
      kind: 'BlockDeclaration',
      span: this.spanFrom(first),
      ...this.docBefore(first),
      form: first.tokenType === Norm ? 'norm' : 'block',
      name,
      parameters: parameters ?? [],
      inputs,
      ...(result && { result }),
      body,
    }));
  });

  private readonly parameters = this.RULE('parameters', (): Parameter[] => {
    const parameters: Parameter[] = [];
    this.CONSUME(LeftParen);
    this.list(0, {
      closer: RightParen,
      separator: commas,
      expected: 'a parameter',
      begins: isWord,
      part: () => {
        const parameter = this.SUBRULE(this.parameter);
        this.ACTION(() => parameters.push(parameter));
      },
    });
    this.CONSUME(RightParen);
    return parameters;
  });

  private readonly parameter = this.RULE('parameter', (): Parameter => {
    const first = this.peek();
    const name = this.name(0);
    const type = this.maybe(0, Colon, () => {
      this.CONSUME(Colon);
      return this.name(1);
    });
    const value = this.valueAfterAssign();
    return this.ACTION(() => ({
      kind: 'Parameter',
      span: this.spanFrom(first),
      ...this.docBefore(first),
      name,
      ...(type && { type }),
      ...(value && { default: value }),
    }));
  });

  private readonly inputs = this.RULE('inputs', (): Input[] => {
    const inputs: Input[] = [];
    this.CONSUME(LeftParen);
    this.list(0, {
      closer: RightParen,
      separator: commas,
      expected: 'an input',
      begins: isWord,
      part: () => {
        const input = this.SUBRULE(this.tensorInput);
        this.ACTION(() => inputs.push(input));
      },
    });
    this.CONSUME(RightParen);
    return inputs;
  });

  private readonly fn = this.RULE('fn', (): FunctionDeclaration => {
    const first = this.CONSUME(Fn) as Token;
    const name = this.name(0);
    const inputs = this.SUBRULE(this.inputs);
    const result = this.resultShape();
    const body = this.functionBody();
    return this.ACTION(() => ({
      kind: 'FunctionDeclaration',
      span: this.spanFrom(first),
      ...this.docBefore(first),
      name,
      inputs,
      ...(result && { result }),
      body,
    }));
  });

  private readonly weights = this.RULE('weights', (): WeightsDeclaration => {
    const first = this.CONSUME(Weights) as Token;
    const name = this.name(0);
    const base = this.maybe(0, Assign, () => {
      this.CONSUME(Assign);
      const from = this.name(1);
      this.with();
      return from;
    });
    const entries: WeightsEntry[] = [];
    this.CONSUME(LeftBrace);
    this.list(0, {
      closer: RightBrace,
      separator: optionalCommas,
      expected: 'a tensor name',
      begins: isString,
      part: () => {
        const entry = this.SUBRULE(this.weightsEntry);
        this.ACTION(() => entries.push(entry));
      },
    });
    this.CONSUME(RightBrace);
    return this.ACTION(() => {
      const kind = 'WeightsDeclaration' as const;
      return { kind, span: this.spanFrom(first), ...this.docBefore(first), name, ...(base && { base }), entries };
    });
  });

  private readonly weightsEntry = this.RULE('weightsEntry', (): WeightsEntry => {
    const first = this.peek();
    const tensor = this.string(0);
    const shape = this.shapeAfterColon();
    this.CONSUME(Assign);
    const value = this.value(0);
    return this.ACTION(() => ({
      kind: 'WeightsEntry',
      span: this.spanFrom(first),
      tensor,
      ...(shape && { shape }),
      value,
    }));
  });
}

/** Index of the last comment that begins before an offset, or -1. */
function lastBefore(comments: readonly Comment[], offset: number): number {
  let low = 0;
  let high = comments.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (comments[middle]!.span.start < offset) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
