/** What building an agent for a board of this computer takes. */
export interface BuildOptions {
  /** Where the cache is. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal | undefined;
  /** The agent's C with AddressSanitizer and UndefinedBehaviorSanitizer: for tests. */
  readonly sanitize?: boolean | undefined;
  /** RAM of a board in QEMU instead of what its linker script says, at most 1 MiB: for studies of what does not fit. */
  readonly ramBytes?: number | undefined;
  /** Told each line that the build prints. */
  readonly onLine?: ((line: string) => void) | undefined;
}
