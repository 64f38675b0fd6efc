/** Runs the `hyb` command with its arguments and resolves to the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  console.log(`hyb ${args.join(' ')}`.trim());
  return 0;
}
