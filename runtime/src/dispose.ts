/** Lets `using` dispose of a class's objects, where the engine knows `Symbol.dispose`. */
export function disposable(type: { readonly prototype: { dispose(): void } }): void {
  const symbol = (Symbol as { dispose?: symbol }).dispose;
  if (!symbol) return;
  Object.defineProperty(type.prototype, symbol, {
    configurable: true,
    value(this: { dispose(): void }) {
      this.dispose();
    },
  });
}
