import { type ILookaheadStrategy, LLkLookaheadStrategy } from 'chevrotain';

type Alternation = Parameters<ILookaheadStrategy['buildLookaheadForAlternation']>[0];
type Optional = Parameters<ILookaheadStrategy['buildLookaheadForOptional']>[0];

/**
 * Works out which tokens may come next when a rule is first used, instead of for all rules when the parser is made. Most
 * of the time to the first parsed file would go there, and a file uses few of the rules.
 */
export class LazyLookahead extends LLkLookaheadStrategy {
  override buildLookaheadForAlternation(options: Alternation) {
    return lazily(() => super.buildLookaheadForAlternation(options));
  }

  override buildLookaheadForOptional(options: Optional) {
    return lazily(() => super.buildLookaheadForOptional(options));
  }
}

/** Chevrotain calls the function with the parser as `this`. */
function lazily<A extends readonly unknown[], R>(build: () => (...args: A) => R): (...args: A) => R {
  let built: ((...args: A) => R) | undefined;
  return function (this: unknown, ...args: A): R {
    built ??= build();
    return built.apply(this, args as never);
  };
}
