import { doc, type Doc } from 'prettier';
import type {
  BlockDeclaration,
  Declaration,
  Field,
  FunctionDeclaration,
  Input,
  ModelDeclaration,
  ModelItem,
  Parameter,
  PrecisionRule,
  ScanExpression,
  SourceFile,
  Statement,
  TrainDeclaration,
  Use,
  WeightsDeclaration,
  WeightsEntry,
} from '../ast/ast.js';
import { ExpressionPrinter } from './expression-printer.js';

const { conditionalGroup, group, hardline, indent, line } = doc.builders;

/** Prints declarations and statements. */
export class Printer extends ExpressionPrinter {
  file(file: SourceFile): Doc {
    const parts: Doc[] = [];
    const items = [...file.uses, ...file.declarations].sort((a, b) => a.span.start - b.span.start);
    for (const item of items) {
      const gap = this.stream.hasPrinted ? this.stream.lineBreak() : '';
      parts.push(this.item(item, gap, () => (item.kind === 'Use' ? this.use(item) : this.declaration(item))));
    }
    parts.push(this.stream.dangling());
    if (!this.stream.finished) throw new Error('The printer has left out a part of the file.');
    return parts.length === 1 && file.comments.length === 0 ? '' : [...parts, hardline];
  }

  private use(use: Use): Doc {
    const parts: Doc[] = [this.stream.take(), this.stream.take(' ')];
    while (this.stream.isNext('.') && this.stream.peek(1)?.image !== '{') {
      parts.push(this.stream.take(), this.stream.take());
    }
    if (this.stream.isNext('.')) {
      const names = use.names.map(({ alias }) => () => {
        const name = this.stream.take();
        return alias === undefined ? name : [name, this.stream.take(' ', 'as'), this.stream.take(' ')];
      });
      parts.push(this.stream.take(), this.list('', '{', names, '}'));
    } else if (use.names[0]?.alias !== undefined) {
      parts.push(this.stream.take(' ', 'as'), this.stream.take(' '));
    }
    return parts;
  }

  private declaration(declaration: Declaration): Doc {
    switch (declaration.kind) {
      case 'ModelDeclaration':
      case 'TrainDeclaration':
        return this.model(declaration);
      case 'BlockDeclaration':
        return this.block(declaration);
      case 'FunctionDeclaration':
        return this.fn(declaration);
      case 'WeightsDeclaration':
        return this.weights(declaration);
    }
  }

  private model(model: ModelDeclaration | TrainDeclaration): Doc {
    const parts: Doc[] = [this.stream.take(), this.stream.take(' ')];
    if (model.kind === 'TrainDeclaration' && model.of !== undefined) {
      parts.push(this.stream.take(' ', 'of'), this.stream.take(' '));
    }
    const hasBraces = model.base === undefined || this.stream.peek(2)?.image === 'with';
    if (model.base !== undefined) parts.push(this.stream.take(' ', '='), this.stream.take(' '));
    if (model.base !== undefined && hasBraces) parts.push(this.stream.take(' ', 'with'));
    if (hasBraces) parts.push(this.modelItems(model.items));
    return parts;
  }

  private modelItems(items: readonly ModelItem[]): Doc {
    return this.braced(' ', items, ',', (item) => {
      if (item.kind === 'Field') return this.field(item);
      return [this.stream.take(undefined, 'precision'), this.braced(' ', item.rules, ',', (rule) => this.rule(rule))];
    });
  }

  private rule(rule: PrecisionRule): Doc {
    const parts: Doc[] = [this.stream.take()];
    if (rule.selector !== undefined) {
      parts.push(this.stream.take(' ', 'in'));
      parts.push(this.stream.gap(' '), this.path(rule.selector));
    }
    return [...parts, this.stream.take(' ', '='), this.stream.take(' ')];
  }

  private block(block: BlockDeclaration): Doc {
    const start = [this.stream.take(), this.stream.take(' ')];
    // Parameters may be absent, and then their parentheses too, or not.
    const hasParameters = this.stream.peek()?.match?.next?.image === '(';
    const parts = block.parameters.map((each) => () => this.parameter(each));
    const parameters = hasParameters ? this.list('', '(', parts, ')') : undefined;
    const end = [this.inputs(block.inputs), this.result(block)];
    const body = this.body(block.body);
    if (parameters === undefined) return [start, end, body];
    // Where not all of it is one line, the parameters are the part to have lines of their own.
    const broken = { ...(parameters as doc.builders.Group), break: true };
    return [
      conditionalGroup([
        [start, parameters, end],
        [start, broken, end],
      ]),
      body,
    ];
  }

  private parameter(parameter: Parameter): Doc {
    const parts: Doc[] = [this.stream.take()];
    if (parameter.type !== undefined) parts.push(this.stream.take('', ':'), this.stream.take(' '));
    if (parameter.default !== undefined) parts.push(this.assigned(parameter.default));
    return parts;
  }

  private inputs(inputs: readonly Input[]): Doc {
    return this.list(
      '',
      '(',
      inputs.map((each) => () => this.input(each)),
      ')',
    );
  }

  private input(input: Input): Doc {
    const name = this.stream.take();
    return input.shape === undefined ? name : [name, this.shapeAfterColon(input.shape)];
  }

  private result({ result }: BlockDeclaration | FunctionDeclaration): Doc {
    return result === undefined ? '' : [this.stream.take(' ', '->'), this.shape(result, ' ')];
  }

  private fn(fn: FunctionDeclaration): Doc {
    const head: Doc[] = [this.stream.take(), this.stream.take(' '), this.inputs(fn.inputs), this.result(fn)];
    const [only] = fn.body;
    if (this.stream.isNext('=') && only?.kind === 'ReturnStatement') return [...head, this.assigned(only.value)];
    return [...head, this.body(fn.body)];
  }

  private weights(weights: WeightsDeclaration): Doc {
    const head: Doc[] = [this.stream.take(), this.stream.take(' ')];
    if (weights.base !== undefined) {
      head.push(this.stream.take(' ', '='), this.stream.take(' '), this.stream.take(' ', 'with'));
    }
    return [...head, this.braced(' ', weights.entries, ',', (entry) => this.weightsEntry(entry), true)];
  }

  private weightsEntry(entry: WeightsEntry): Doc {
    const tensor = this.stream.take();
    const shape = entry.shape === undefined ? '' : this.shapeAfterColon(entry.shape);
    return [tensor, shape, this.assigned(entry.value)];
  }

  private body(statements: readonly Statement[]): Doc {
    return this.braced(' ', statements, ';', (each) => this.statement(each), true);
  }

  private statement(statement: Statement): Doc {
    switch (statement.kind) {
      case 'ParamStatement': {
        const parts: Doc[] = [this.stream.take(), this.stream.take(' ')];
        if (statement.shape !== undefined) parts.push(this.shapeAfterColon(statement.shape));
        if (statement.value !== undefined) parts.push(this.assigned(statement.value, false));
        if (statement.condition !== undefined) {
          parts.push(this.stream.take(' ', 'when'), this.value(statement.condition, ' ', false));
        }
        const attributes = statement.attributes.map((attribute) => {
          const at: Doc = [this.stream.gap(line), this.stream.take('', '@'), this.stream.take('')];
          const hasParens = (this.stream.peek()?.startOffset ?? Infinity) < attribute.span.end;
          return hasParens ? [at, this.callArguments(attribute.arguments)] : at;
        });
        return group([...parts, indent(attributes)]);
      }
      case 'DimStatement':
        return [this.stream.take(), this.stream.take(' '), this.assigned(statement.value)];
      case 'SlotStatement': {
        const head: Doc = [this.stream.take(), this.stream.take(' ')];
        return statement.default === undefined ? head : [head, this.assigned(statement.default)];
      }
      case 'LetStatement': {
        const word = this.stream.take();
        const tuple = this.stream.isNext('(');
        const names = tuple
          ? this.list(
              ' ',
              '(',
              statement.names.map(() => () => this.stream.take()),
              ')',
            )
          : this.stream.take(' ');
        return [word, names, this.assigned(statement.value)];
      }
      case 'RequireStatement': {
        const head: Doc = [this.stream.take(), this.value(statement.condition, ' ')];
        if (statement.message === undefined) return head;
        this.stream.skip(',');
        return group([head, ',', indent(this.stream.take(line))]);
      }
      case 'ReturnStatement':
      case 'YieldStatement':
        return [this.stream.take(), this.value(statement.value, ' ')];
      case 'AssignStatement':
        return [this.stream.take(), this.assigned(statement.value)];
    }
  }

  protected override scan(scan: ScanExpression): Doc {
    const word = this.stream.take();
    const first = () => [this.stream.take(), this.stream.take(' ', 'in'), this.stream.take(' ')];
    const states = scan.states.map((state) => () => {
      const head: Doc = [this.stream.take(), this.stream.take(' '), this.shapeAfterColon(state.shape)];
      return [head, this.assigned(state.initial)];
    });
    return [
      word,
      this.list(' ', '(', [first, ...states], ')'),
      this.braced(' ', scan.body, ';', (each) => this.statement(each)),
    ];
  }

  protected override field(field: Field): Doc {
    return [this.path(field.target), this.assigned(field.value)];
  }
}
