/**
 * Checks JSON against `boards/schema.json`. An error names the file, the field and what is wrong with it, so
 * that whoever writes a descriptor by hand finds the line.
 */
import { readFileSync } from "node:fs";
import { Ajv2020, type ErrorObject, type ValidateFunction } from "ajv/dist/2020.js";
import { closestName } from "../closest_name.js";
import { WamletError } from "../errors.js";
import { packagePath } from "../package_root.js";

/** A part of the schema: a whole descriptor, or one of the files that descriptors share. */
export type SchemaPart = "board" | "costTable" | "radio";

/** More faults than these help nobody; the first ones are enough to go on with. */
const shownFaults = 5;

let ajv: Ajv2020 | null = null;

/**
 * @param value parsed JSON
 * @param file what to call the file in an error
 * @throws WamletError WAMLET_INVALID_DESCRIPTOR
 */
export function checkSchema(value: unknown, part: SchemaPart, file: string): void {
  const validate = validator(part);
  if (validate(value)) return;
  const faults = [...new Set((validate.errors ?? []).map(describeFault))];
  const shown = faults.slice(0, shownFaults).join("; ");
  const rest = faults.length > shownFaults ? `; and ${faults.length - shownFaults} more` : "";
  throw new WamletError(
    "WAMLET_INVALID_DESCRIPTOR",
    `${file} is no valid board descriptor: ${shown}${rest}.`,
    'Correct the field; boards/schema.json describes each of them, and an editor reads it through "$schema".',
  );
}

function validator(part: SchemaPart): ValidateFunction {
  if (ajv === null) {
    ajv = new Ajv2020({ allErrors: true, verbose: true });
    ajv.addSchema(JSON.parse(readFileSync(packagePath("boards", "schema.json"), "utf8")), "wamlet-board");
  }
  const validate = ajv.getSchema(part === "board" ? "wamlet-board" : `wamlet-board#/$defs/${part}`);
  if (validate === undefined) throw new Error(`boards/schema.json has no part ${part}`);
  return validate;
}

/** `memory.poolBytes.value must be >= 4096`. */
function describeFault(fault: ErrorObject): string {
  const field = fault.instancePath.slice(1).replaceAll("/", ".");
  const inside = (name: unknown) => (field === "" ? String(name) : `${field}.${String(name)}`);
  if (fault.keyword === "required") return `${inside(fault.params.missingProperty)} is missing`;
  if (fault.keyword === "additionalProperties") {
    const name = String(fault.params.additionalProperty);
    const known = Object.keys((fault.parentSchema?.properties as object | undefined) ?? {});
    const closest = closestName(name, known);
    return `${inside(name)} is no field of a descriptor${closest === null ? "" : ` (meant: ${closest}?)`}`;
  }
  return `${field === "" ? "the file" : field} ${fault.message ?? "is invalid"}`;
}
