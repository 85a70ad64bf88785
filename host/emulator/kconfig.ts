/**
 * What ESP-IDF's configuration comes to without ESP-IDF: the defaults of a Kconfig file of ours and the lines of
 * sdkconfig.defaults, as the macros of sdkconfig.h. Of the Kconfig language it takes what boards/ports/esp-idf uses
 * and refuses the rest, so that nothing is silently read wrong.
 */
import { WamletError } from "../errors.js";

interface Option {
  readonly name: string;
  type: "bool" | "int" | "hex" | "string" | null;
  readonly defaults: { readonly value: string; readonly condition: string | null }[];
  readonly needs: string[];
}

/** Symbols that are on, and values by name without `CONFIG_`. */
export type Configuration = ReadonlyMap<string, string>;

/**
 * @param kconfig text of a Kconfig file
 * @param given what sdkconfig.defaults and the chip set; its values win over the file's defaults
 * @returns `given` with the file's options, `y` for those that are on; what is off or not available is absent
 * @throws WamletError WAMLET_BUILD_FAILED where the text has what this reader does not know
 */
export function configure(kconfig: string, given: Configuration): Configuration {
  const values = new Map(given);
  for (const option of options(kconfig)) {
    const { name, type, needs, defaults } = option;
    if (type === null) throw refused(name, "it has no type");
    if (!needs.every((symbol) => values.has(symbol))) {
      values.delete(name);
      continue;
    }
    const first = defaults.find(({ condition }) => condition === null || values.has(condition));
    const value = values.get(name) ?? first?.value;
    if (value === undefined && type !== "bool") throw refused(name, "it has no default for this chip");
    if (value === undefined || value === "n") values.delete(name);
    else values.set(name, value);
  }
  return values;
}

/** The lines `CONFIG_X=value` of an sdkconfig file; those that are off (`n`) are absent. */
export function readSdkconfig(text: string): Configuration {
  const lines = text.split("\n").map((line) => /^CONFIG_(\w+)=(.+)$/.exec(line.trim()));
  return new Map(
    lines.flatMap((match) =>
      match?.[1] === undefined || match[2] === undefined || match[2] === "n" ? [] : [[match[1], match[2]]],
    ),
  );
}

/** sdkconfig.h, as ESP-IDF writes it: `y` is 1, and what is off is not defined. */
export function sdkconfigHeader(values: Configuration): string {
  const lines = [...values].sort(([a], [b]) => (a < b ? -1 : 1));
  return lines.map(([name, value]) => `#define CONFIG_${name} ${value === "y" ? "1" : value}\n`).join("");
}

function options(kconfig: string): Option[] {
  const found: Option[] = [];
  let helpIndent: number | null = null;
  let indent = 0;
  for (const line of kconfig.split("\n")) {
    if (line.trim() === "") continue;
    indent = line.length - line.trimStart().length;
    if (helpIndent !== null && indent > helpIndent) continue;
    helpIndent = null;
    const words = line.trim();
    const option = found.at(-1);
    const start = /^config (\w+)$/.exec(words);
    if (start?.[1] !== undefined) found.push({ name: start[1], type: null, defaults: [], needs: [] });
    else if (words === "help") helpIndent = indent;
    else if (/^(menu|endmenu)\b/.test(words) || words.startsWith("#")) continue;
    else if (option === undefined || !readLine(option, words)) throw refused(words, "this reader lacks it");
  }
  return found;
}

function readLine(option: Option, words: string): boolean {
  const type = /^(bool|int|hex|string)( ".*")?$/.exec(words)?.[1];
  const [, value, condition] = /^default (\S+|".*?")(?: if (\w+))?$/.exec(words) ?? [];
  const need = /^depends on (\w+)$/.exec(words)?.[1];
  if (type === "bool" || type === "int" || type === "hex" || type === "string") option.type = type;
  else if (value !== undefined) option.defaults.push({ value, condition: condition ?? null });
  else if (need !== undefined) option.needs.push(need);
  else return /^range \S+ \S+$/.test(words);
  return true;
}

function refused(what: string, why: string): WamletError {
  return new WamletError(
    "WAMLET_BUILD_FAILED",
    `Kconfig: ${what}: ${why}.`,
    "boards/ports/esp-idf/main/Kconfig.projbuild is written for host/emulator/kconfig.ts, too.",
  );
}
