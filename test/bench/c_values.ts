/** Constants as text of C. */

/** What a layer adds to a model's file: constants of file scope, and its call. */
export interface CLayer {
  readonly constants: readonly string[];
  /** `conv_2d(&layer_0, …)`, its tensors filled in. */
  readonly call: string;
}

/** A field of a struct: a number, several, or an expression that stands there as it is. */
export type CValue = number | readonly number[] | string | CStruct;
export interface CStruct {
  readonly [name: string]: CValue;
}

/** `{.depth = 8, .rows = {.size = 3}}`, a line for each field. */
export function structOf(fields: CStruct, indent = "    "): string {
  const lines = Object.entries(fields).map(
    ([name, value]) => `${indent}.${name} = ${textOf(value, indent)},`,
  );
  return `{\n${lines.join("\n")}\n${indent.slice(4)}}`;
}

function textOf(value: CValue, indent: string): string {
  if (typeof value === "string") return value;
  if (typeof value === "number") return numberOf(value);
  if (Array.isArray(value)) return `{${value.map(numberOf).join(", ")}}`;
  return structOf(value as CStruct, `${indent}    `);
}

/** −2³¹ is no literal in C. */
function numberOf(value: number): string {
  if (!Number.isInteger(value)) throw new RangeError(`${value} is no integer`);
  return value === -(2 ** 31) ? "(-2147483647 - 1)" : String(value);
}

/** `static const int8_t filter_0[] = {…};`, twenty a line. */
export function arrayOf(type: string, name: string, values: readonly number[]): string {
  const lines: string[] = [];
  for (let from = 0; from < values.length; from += 20)
    lines.push(
      `    ${values
        .slice(from, from + 20)
        .map(numberOf)
        .join(", ")},`,
    );
  return `static const ${type} ${name}[] = {\n${lines.join("\n")}\n};`;
}
