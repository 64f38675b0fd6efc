import type { KernelBuilder } from '../../kernel/build.js';

/**
 * Puts barriers where memory of the workgroup changes hands. A resource is read or written by invocations other than the
 * one that owns the element (`read`), or written by the owner.
 */
export class Hazards {
  readonly #reads = new Set<string>();
  readonly #writes = new Set<string>();

  constructor(
    readonly builder: KernelBuilder,
    readonly storage: boolean,
  ) {}

  /** The start of a loop's body: whatever the body does may just have happened. */
  assume(resources: readonly string[]): void {
    for (const r of resources) {
      this.#reads.add(r);
      this.#writes.add(r);
    }
  }

  read(resource: string): void {
    if (this.#writes.has(resource)) this.barrier();
    this.#reads.add(resource);
  }

  write(resource: string): void {
    if (this.#reads.has(resource)) this.barrier();
    this.#writes.add(resource);
  }

  barrier(): void {
    this.builder.barrier({ storage: this.storage });
    this.#reads.clear();
    this.#writes.clear();
  }
}
