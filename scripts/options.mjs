// How the repository's own commands read what they were told.

/**
 * What `read` makes of the arguments. A command that is asked for help says what it takes and ends; one that was told what it
 * cannot do says why, too, and ends with the exit code 2.
 *
 * @param {() => Options & { help?: boolean }} read throws an error with a message for people
 * @template Options
 */
export function optionsOf(help, read) {
  let chosen;
  try {
    chosen = read();
  } catch (error) {
    refuse(error.message, help);
  }
  if (!chosen.help) return chosen;
  console.log(help);
  process.exit(0);
}

/** Ends a command that was told what it cannot do. */
export function refuse(message, help) {
  console.error(`${message}\n\n${help}`);
  process.exit(2);
}
