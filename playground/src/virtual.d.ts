// Made by the build (`playground/build.mjs`) from the repository's models.

declare module 'playground:examples' {
  /** Texts by path in the repository. */
  export const texts: Readonly<Record<string, string>>;
}

declare module 'playground:example-list' {
  /** Paths in the repository. */
  export const paths: readonly string[];
  /** What is shown first. */
  export const first: { readonly path: string; readonly text: string };
}

declare module 'playground:text' {
  /** Chapters of a novel in the public domain. */
  export const text: string;
}
