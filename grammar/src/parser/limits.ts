/** Larger files are not written by people; the limit keeps every answer within a second. In UTF-16 units. */
export const LARGEST_FILE = 1 << 18;

/**
 * Nesting of brackets, and of expressions, beyond which a file is refused. A brace counts four times: what it holds takes
 * more of the stack, and records or scans in each other to such a depth are no more readable than parentheses.
 */
export const DEEPEST = 256;

/** More findings than a person reads, and more than an editor should show. */
export const MOST_FINDINGS = 200;
