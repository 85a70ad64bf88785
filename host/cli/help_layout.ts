/**
 * Lines of help as yargs lays them out with cliui and wrap-ansi, to the character; for plain text, which help is.
 * Those take longer to load than all the rest of a `--help` (see help.ts).
 */

const indent = 2;
const gutter = 2;

export class HelpLayout {
  readonly #width: number;
  readonly #lines: string[] = [];

  /** @param width columns of the output */
  constructor(width: number) {
    this.#width = width;
  }

  /** Text over the whole width; without one, an empty line. */
  text(text = ""): void {
    this.#lines.push(...wrapped(text, this.#width).map((line) => line.trimEnd()));
  }

  /** Two columns side by side. @param leftWidth of the left one with the space around it */
  columns(left: string, leftWidth: number, right: string): void {
    this.#lines.push(...this.#sideBySide(left, leftWidth, indent, right));
  }

  /**
   * Two columns, and at the right what is to be added: on the last line of them where it fits there.
   * @param leftIndent of the left column
   */
  option(left: string, leftWidth: number, leftIndent: number, right: string, extra: string): void {
    const lines = this.#sideBySide(left, leftWidth, leftIndent, right);
    const width = this.#width - gutter;
    const [first = "", ...rest] = wrapped(extra, width).map((line) => line.trim().padStart(width + gutter));
    const last = lines.at(-1) ?? "";
    const leading = first.length - first.trimStart().length;
    if (first.trim() === "") this.#lines.push(...lines);
    else if (leading < last.length) this.#lines.push(...lines, first, ...rest);
    else this.#lines.push(...lines.slice(0, -1), last.padEnd(leading) + first.trimStart(), ...rest);
  }

  /** Width of a left column with the space around it: of its widest cell, at most half of all. */
  leftWidth(cells: readonly string[]): number {
    const widest = Math.max(0, ...cells.map((cell) => cell.length));
    return Math.min(widest, Math.floor(this.#width / 2)) + indent + gutter;
  }

  toString(): string {
    return this.#lines.join("\n").trimEnd();
  }

  #sideBySide(left: string, leftWidth: number, leftIndent: number, right: string): string[] {
    const lefts = wrapped(left, leftWidth - leftIndent - gutter);
    const rights = wrapped(right, this.#width - leftWidth);
    return Array.from({ length: Math.max(lefts.length, rights.length) }, (_, row) => {
      const cell = `${" ".repeat(leftIndent)}${lefts[row] ?? ""}`;
      return `${cell.padEnd(leftWidth)}${rights[row] ?? ""}`.trimEnd();
    });
  }
}

function wrapped(text: string, columns: number): string[] {
  return text.split("\n").flatMap((line) => wrapLine(line, columns));
}

/** Breaks at spaces, and within words that are longer than a line. */
function wrapLine(line: string, columns: number): string[] {
  if (line.trim() === "") return [""];
  const rows = [""];
  const last = () => rows.at(-1) ?? "";
  const add = (text: string) => rows.push((rows.pop() ?? "") + text);
  for (const [index, word] of line.split(" ").entries()) {
    rows.push((rows.pop() ?? "").trimStart());
    if (index > 0 && last() !== "") add(" ");
    if (word.length > columns) {
      const here = 1 + Math.floor((word.length - (columns - last().length) - 1) / columns);
      if (Math.floor((word.length - 1) / columns) < here) rows.push("");
      breakWord(rows, word, columns);
      continue;
    }
    if (last() !== "" && word !== "" && last().length + word.length > columns) rows.push("");
    add(word);
  }
  return rows.map((row) => row.trimEnd());
}

function breakWord(rows: string[], word: string, columns: number): void {
  for (let rest = word; rest !== ""; ) {
    const row = rows.pop() ?? "";
    const room = columns - row.length;
    rows.push(row + rest.slice(0, room));
    rest = rest.slice(room);
    if (rest !== "") rows.push("");
  }
}
