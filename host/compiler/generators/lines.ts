/** Writing the lines of generated AssemblyScript. */

export const each = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

/** The lines further right. */
export const indent = (lines: readonly string[], by: number): string[] =>
  lines.map((line) => " ".repeat(by) + line);

/** The same as text. */
export const indented = (lines: readonly string[], by: number): string => indent(lines, by).join("\n");
