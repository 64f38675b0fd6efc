export const METHODS: readonly {
  readonly name: string;
  readonly recipe: string;
  readonly paper: { readonly converges: number; readonly diverges: number | null };
}[];
export const QUICK: readonly string[];
export const SEEDS: readonly number[];
