/** Reads operators: which one, at which version, on which tensors, with which options. */

import { WamletError } from "../errors.js";
import { builtinOperators, CUSTOM_OPERATOR } from "./builtin_operators.js";
import { type CheckedTable, invalidModel } from "./checked_table.js";
import type { Operator, Tensor } from "./graph.js";
import { readBuiltinOptions, readCustomOptions } from "./read_options.js";

/** Field numbers of the schema's table OperatorCode. */
const DEPRECATED_BUILTIN_CODE = 0;
const CUSTOM_CODE = 1;
const VERSION = 2;
const BUILTIN_CODE = 3;

/** Field numbers of the schema's table Operator. */
const OPCODE_INDEX = 0;
const INPUTS = 1;
const OUTPUTS = 2;

/** How the schema marks an optional input that is left out. */
const LEFT_OUT = -1;

/** An operator of the file whose tensors are still numbers. */
export interface OperatorRecord {
  readonly table: CheckedTable;
  readonly name: string;
  readonly version: number;
  /** Tensor numbers of the file; null where an optional input is left out. */
  readonly inputs: readonly (number | null)[];
  readonly outputs: readonly number[];
  /** `operator 3 CONV_2D`, for messages. */
  readonly label: string;
}

/** Name and version of one entry of the model's operator codes. */
interface OperatorCode {
  readonly name: string;
  readonly version: number;
}

/**
 * Names the model's operator codes.
 * @throws WamletError WAMLET_UNSUPPORTED_OPERATOR for a code that the schema does not name
 */
export function readOperatorCode(table: CheckedTable): OperatorCode {
  // Files since 2020 state the code in both fields; codes over 127 do not fit the old one, which then holds 127.
  const code = Math.max(table.int8(DEPRECATED_BUILTIN_CODE), table.int32(BUILTIN_CODE));
  const version = table.int32(VERSION, 1);
  if (code === CUSTOM_OPERATOR) {
    const custom = table.string(CUSTOM_CODE, "custom_code");
    if (!custom) throw invalidModel(`The model's ${table.where} is a custom operator without a name.`);
    return { name: `CUSTOM:${custom.slice(0, 100)}`, version };
  }
  const name = builtinOperators[code];
  if (name === undefined) {
    throw new WamletError(
      "WAMLET_UNSUPPORTED_OPERATOR",
      `The model's ${table.where} has the operator code ${code}, which the schema known here does not name.`,
      "Convert the model with a TensorFlow version up to 2.21, or without the newest operators.",
    );
  }
  return { name, version };
}

/**
 * Reads which operator runs on which tensors of the file.
 * @throws WamletError WAMLET_INVALID_MODEL where an opcode or tensor number does not exist
 */
export function readOperatorRecord(
  table: CheckedTable,
  index: number,
  codes: readonly OperatorCode[],
  tensorCount: number,
): OperatorRecord {
  const opcode = table.uint32(OPCODE_INDEX);
  const code = codes[opcode];
  if (code === undefined) {
    throw invalidModel(`Operator ${index} refers to operator code ${opcode}; the model has ${codes.length}.`);
  }
  const label = `operator ${index} ${code.name}`;
  const inputs = table.int32s(INPUTS, "inputs").map((number) => (number === LEFT_OUT ? null : number));
  const outputs = table.int32s(OUTPUTS, "outputs");
  for (const number of [...inputs, ...outputs]) {
    if (number !== null && (number < 0 || number >= tensorCount)) {
      throw invalidModel(`The ${label} refers to tensor ${number}; the model has ${tensorCount}.`);
    }
  }
  return { table, name: code.name, version: code.version, inputs, outputs, label };
}

/**
 * Completes an operator with its tensors and options.
 * @param tensorOf the tensor of a number of the file
 */
export function readOperator(
  record: OperatorRecord,
  index: number,
  tensorOf: (number: number) => Tensor,
): Operator {
  return {
    index,
    name: record.name,
    version: record.version,
    inputs: record.inputs.map((number) => (number === null ? null : tensorOf(number))),
    outputs: record.outputs.map(tensorOf),
    options: record.name.startsWith("CUSTOM:")
      ? readCustomOptions(record.table, record.label)
      : readBuiltinOptions(record.table, record.name, record.label),
  };
}
