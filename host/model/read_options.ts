/** Reads an operator's options, after the table in options_schema.ts. */

import { WamletError } from "../errors.js";
import { type CheckedTable, invalidModel } from "./checked_table.js";
import type { OperatorOptions } from "./graph.js";
import { type OptionField, optionFields, optionsOfOperator, optionsUnion } from "./options_schema.js";

/** Field numbers of the schema's table Operator. */
const OPTIONS_TYPE = 3;
const OPTIONS = 4;
const CUSTOM_OPTIONS = 5;
const LARGE_CUSTOM_OPTIONS_OFFSET = 9;

/**
 * The options of a builtin operator. Where the file leaves the table out, every field has its default.
 * @param table the schema's table Operator
 * @param name the operator's builtin name, `CONV_2D`
 * @param where the operator for messages, `operator 3 CONV_2D`
 * @throws WamletError WAMLET_INVALID_MODEL where the table belongs to another operator, is damaged, or an
 *   enumeration has a value that the schema does not know
 */
export function readBuiltinOptions(table: CheckedTable, name: string, where: string): OperatorOptions {
  const type = table.uint8(OPTIONS_TYPE);
  const stated = optionsUnion[type];
  if (stated === undefined) {
    throw invalidModel(`The options of ${where} are of an unknown kind (number ${type}).`);
  }
  const expected = optionsOfOperator[name];
  if (expected !== undefined && stated !== "none" && stated !== expected) {
    throw invalidModel(`The options of ${where} are ${stated}, but that operator takes ${expected}.`);
  }
  const kind = expected ?? stated;
  const options = stated === "none" ? null : table.table(OPTIONS, "builtin_options");
  const fields: Record<string, OptionValue> = {};
  for (const field of optionFields[kind] ?? []) {
    fields[field.name] = readField(options, field, where);
  }
  return { kind, fields };
}

/**
 * The options of a custom operator: its bytes (often a FlexBuffer), as the field `data`.
 * @throws WamletError WAMLET_UNSUPPORTED_OPTION where they are stored outside the FlatBuffer
 */
export function readCustomOptions(table: CheckedTable, where: string): OperatorOptions {
  if (table.uint64(LARGE_CUSTOM_OPTIONS_OFFSET) > 1n) {
    throw new WamletError(
      "WAMLET_UNSUPPORTED_OPTION",
      `The options of ${where} are stored outside the model's FlatBuffer.`,
      "Convert the model without use_buffer_offset; only models over 2 GB need it.",
    );
  }
  return { kind: "custom", fields: { data: table.uint8s(CUSTOM_OPTIONS, "custom_options") } };
}

type OptionValue = OperatorOptions["fields"][string];

function readField(options: CheckedTable | null, field: OptionField, where: string): OptionValue {
  switch (field.type) {
    case "int32":
      return options?.int32(field.field, field.absent) ?? field.absent;
    case "float32": {
      const value = options?.float32(field.field, field.absent) ?? field.absent;
      if (!Number.isFinite(value)) {
        throw invalidModel(`The option ${field.name} of ${where} is ${value}, not a finite number.`);
      }
      return value;
    }
    case "bool":
      return options?.bool(field.field, field.absent) ?? field.absent;
    case "int32s":
      return options?.int32s(field.field, field.name) ?? [];
    case "enumeration": {
      const value = options?.int8(field.field) ?? 0;
      const word = field.words[value];
      if (word === undefined) {
        throw invalidModel(`The option ${field.name} of ${where} has the unknown value ${value}.`);
      }
      return word;
    }
  }
}
