/**
 * `wamlet --help`, `wamlet <verb> --help` and `wamlet --version` without yargs, which takes longer to load than all
 * the rest. The text is the one that yargs would print, made of the same declarations; a test holds the two equal
 * for every verb and width. Whatever else is on the command line is yargs' to understand (command_line.ts).
 */
import type { Options, PositionalOptions } from "yargs";
import { packageVersion } from "../package_root.js";
import { wrapText } from "./format.js";
import { HelpLayout } from "./help_layout.js";
import { globalOptions } from "./options.js";
import { type VerbEntry, verbs } from "./verbs.js";

/** Help beyond this width is hard to read. */
const widestHelp = 100;
/** On narrower terminals columns vanish, and yargs lays out what is left. */
const narrowestHelp = 40;

/** What `wamlet --help` says around its tables; `$0` is the command's name. */
export const overview = {
  usage: "Usage: $0 <verb> [options]",
  example: ["$0 boards", "What is known, and what is attached"],
  epilogue: "$0 <verb> --help tells more of a verb.",
} as const;

/** Columns for help on an output of so many. */
export function helpColumns(outputColumns: number | undefined): number {
  return Math.min(widestHelp, outputColumns ?? widestHelp);
}

/** Above the tables of a verb's help. */
export function verbUsage(name: string, positionals: string, description: string, columns: number): string {
  return `Usage: ${["$0", name, positionals, "[options]"].filter((word) => word !== "").join(" ")}\n\n${wrapText(description, columns).join("\n")}`;
}

/**
 * What is to be printed where help or the version is all that is asked for, else null.
 * @param words of the command line after `wamlet`
 */
export async function plainHelp(
  words: readonly string[],
  outputColumns: number | undefined,
): Promise<string | null> {
  const [first = "", second, ...others] = words;
  if (first === "--version" && words.length === 1) return packageVersion();
  const columns = helpColumns(outputColumns);
  if (columns < narrowestHelp || others.length > 0) return null;
  if (isHelp(first) && second === undefined) return overviewText(columns);
  const entry = Object.hasOwn(verbs, first) ? verbs[first] : undefined;
  return entry !== undefined && second !== undefined && isHelp(second)
    ? verbText(first, entry, columns)
    : null;
}

function isHelp(word: string): boolean {
  return word === "--help" || word === "-h";
}

function overviewText(columns: number): string {
  const layout = new HelpLayout(columns);
  layout.text(withName(overview.usage));
  layout.text();
  layout.text("Verbs:");
  const rows = Object.entries(verbs).map(([name, { positionals, summary }]) => {
    return [`wamlet ${name} ${positionals}`.trim(), summary] as const;
  });
  const width = layout.leftWidth(rows.map(([command]) => command));
  for (const [command, summary] of rows) layout.columns(command, width, summary);
  layout.text();
  addOptions(layout, "Options:", commonOptions);
  addExamples(layout, [overview.example]);
  layout.text(withName(overview.epilogue));
  return layout.toString();
}

async function verbText(name: string, entry: VerbEntry, columns: number): Promise<string> {
  const { description, positionals, options, examples } = await entry.load();
  const layout = new HelpLayout(columns);
  layout.text(withName(verbUsage(name, entry.positionals, description, columns)));
  layout.text();
  addPositionals(layout, positionals);
  const groups = new Map<string, Record<string, Options>>([["Options:", { ...commonOptions }]]);
  for (const [option, declared] of Object.entries(options)) {
    const group = declared.group ?? "Options:";
    groups.set(group, { ...groups.get(group), [option]: declared });
  }
  const hasShort = [...groups.values()].some((group) => Object.values(group).some(({ alias }) => alias));
  for (const [group, declared] of groups) addOptions(layout, group, declared, hasShort);
  addExamples(
    layout,
    examples.map(([command, meaning]) => [`$0 ${command}`, meaning]),
  );
  return layout.toString();
}

/** Of every verb, and yargs' own. */
const commonOptions: Readonly<Record<string, Options>> = {
  ...globalOptions,
  help: { alias: "h", type: "boolean", describe: "Show help" },
  version: { type: "boolean", describe: "Show version number" },
};

function addPositionals(layout: HelpLayout, positionals: Readonly<Record<string, PositionalOptions>>): void {
  const names = Object.keys(positionals);
  if (names.length === 0) return;
  layout.text("Positionals:");
  const width = layout.leftWidth(names);
  for (const [name, declared] of Object.entries(positionals)) {
    // Where any number may be given, none is the default.
    const shown = declared.array === true ? { default: [], ...declared } : declared;
    layout.option(name, width, 2, declared.describe ?? "", facts(shown));
  }
  layout.text();
}

/** @param hasShort whether any option of the whole help has a short name, for which all make room */
function addOptions(
  layout: HelpLayout,
  heading: string,
  options: Readonly<Record<string, Options>>,
  hasShort = true,
): void {
  layout.text(heading);
  const rows = Object.entries(options).map(([name, { alias }]) => {
    const short = [alias ?? []].flat().map((letter) => `-${letter}`);
    return { switches: [...short, `--${name}`].join(", "), inset: hasShort && short.length === 0 ? 4 : 0 };
  });
  const width = layout.leftWidth(rows.map(({ switches, inset }) => " ".repeat(inset) + switches));
  for (const [index, declared] of Object.values(options).entries()) {
    const { switches = "", inset = 0 } = rows[index] ?? {};
    layout.option(switches, width, 2 + inset, declared.describe ?? "", facts(declared));
  }
  layout.text();
}

/** `[string] [required] [choices: "a", "b"] [default: "a"]`. */
function facts(option: Options | PositionalOptions): string {
  const { array, type, demandOption, choices, default: value } = option;
  const kind = array === true ? "array" : type;
  return [
    kind === undefined ? "" : `[${kind}]`,
    demandOption === true ? "[required]" : "",
    choices === undefined ? "" : `[choices: ${choices.map((choice) => JSON.stringify(choice)).join(", ")}]`,
    value === undefined
      ? ""
      : `[default: ${typeof value === "string" ? `"${value}"` : JSON.stringify(value)}]`,
  ]
    .filter((fact) => fact !== "")
    .join(" ");
}

function addExamples(layout: HelpLayout, examples: readonly (readonly [string, string])[]): void {
  layout.text("Examples:");
  const named = examples.map(([command, meaning]) => [withName(command), meaning] as const);
  const width = layout.leftWidth(named.map(([command]) => command));
  for (const [command, meaning] of named) layout.columns(command, width, meaning);
  layout.text();
}

function withName(text: string): string {
  return text.replaceAll("$0", "wamlet");
}
