/** What a command returns to the shell. */
export const EXIT = {
  ok: 0,
  /** There are errors in what was looked at, or values that differ. */
  findings: 1,
  /** The command itself could not run: wrong arguments, unreadable files, no device. */
  failed: 2,
} as const;

/** The command cannot run, and this says why. */
export class CliError extends Error {
  constructor(
    message: string,
    /** What to do about it. */
    readonly hint?: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'CliError';
  }
}

/** Ends a command whose findings have been printed. */
export class Exit extends Error {
  constructor(readonly code: number) {
    super(`exit ${code}`);
  }
}

/** What cannot be computed is the user's to know, and no fault of the program. */
export function attempt<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw new CliError(cause instanceof Error ? cause.message : String(cause), undefined, { cause });
  }
}
