/**
 * The edge at which `.tflite` bytes become a Graph: a FlatBuffers file with identifier TFL3, version 3 of
 * TensorFlow Lite's schema (tensorflow/lite/schema/schema.fbs). Whatever the bytes are, the answer is a graph
 * that keeps all that graph.ts promises, or a WamletError that says where it is broken.
 */

import { createHash } from "node:crypto";
import { WamletError } from "../errors.js";
import { checkOrder } from "./check_order.js";
import { CheckedTable, invalidModel } from "./checked_table.js";
import { foreignFormat } from "./foreign_format.js";
import type { Graph, Tensor } from "./graph.js";
import { type OperatorRecord, readOperator, readOperatorCode, readOperatorRecord } from "./read_operator.js";
import { readTensor } from "./read_tensor.js";

/** Field numbers of the schema's table Model. */
const VERSION = 0;
const OPERATOR_CODES = 1;
const SUBGRAPHS = 2;
const DESCRIPTION = 3;
const BUFFERS = 4;

/** Field numbers of the schema's table SubGraph. */
const TENSORS = 0;
const INPUTS = 1;
const OUTPUTS = 2;
const OPERATORS = 3;
const SUBGRAPH_NAME = 4;

const IDENTIFIER = "TFL3";
const SCHEMA_VERSION = 3;

/**
 * Reads a model. Tensors that no operator, graph input or graph output uses are left out, so that a file
 * with a leftover of a foreign type still runs.
 * @param file the whole `.tflite` file; constants of the graph are views into it
 * @throws WamletError WAMLET_INVALID_MODEL for damaged files and other formats, WAMLET_UNSUPPORTED_TYPE,
 *   WAMLET_UNSUPPORTED_OPERATOR or WAMLET_UNSUPPORTED_OPTION for sound models that Wamlet cannot hold
 */
export function readModel(file: Uint8Array): Graph {
  // A plain view: a Node Buffer's methods behave differently.
  const bytes = new Uint8Array(file.buffer, file.byteOffset, file.byteLength);
  checkIdentifier(bytes);
  const model = CheckedTable.root(bytes, "model");
  const version = model.uint32(VERSION);
  if (version !== SCHEMA_VERSION) {
    throw invalidModel(
      `The model is of schema version ${version}; TensorFlow Lite writes version ${SCHEMA_VERSION}.`,
      "Convert the model again with a current TensorFlow.",
    );
  }
  const subgraph = onlySubgraph(model.tables(SUBGRAPHS, "subgraphs"));
  const tensorTables = subgraph.tables(TENSORS, "tensors");
  const codes = model.tables(OPERATOR_CODES, "operator_codes").map(readOperatorCode);
  const records = subgraph
    .tables(OPERATORS, "operators")
    .map((table, index) => readOperatorRecord(table, index, codes, tensorTables.length));
  const inputNumbers = readEnds(subgraph, INPUTS, "inputs", tensorTables.length);
  const outputNumbers = readEnds(subgraph, OUTPUTS, "outputs", tensorTables.length);

  const source = { file: bytes, buffers: model.tables(BUFFERS, "buffers") };
  const used = usedTensors(records, [...inputNumbers, ...outputNumbers]);
  const tensorByNumber = new Map<number, Tensor>();
  const tensors: Tensor[] = [];
  tensorTables.forEach((table, number) => {
    if (!used.has(number)) return;
    const tensor = readTensor(source, table, number, tensors.length);
    tensors.push(tensor);
    tensorByNumber.set(number, tensor);
  });
  const tensorOf = (number: number): Tensor => {
    const tensor = tensorByNumber.get(number);
    if (tensor === undefined)
      throw invalidModel(`The model refers to tensor ${number}, which it does not have.`);
    return tensor;
  };

  const operators = records.map((record, index) => readOperator(record, index, tensorOf));
  const inputs = inputNumbers.map(tensorOf);
  const outputs = outputNumbers.map(tensorOf);
  checkOrder(operators, inputs, outputs);
  return {
    description: model.string(DESCRIPTION, "description") ?? "",
    tensors,
    operators,
    inputs,
    outputs,
    sourceBytes: bytes.length,
    sourceSha256: createHash("sha256").update(bytes).digest("hex"),
  };
}

function checkIdentifier(bytes: Uint8Array): void {
  const identifier = new TextDecoder("latin1").decode(bytes.subarray(4, 8));
  if (identifier === IDENTIFIER) return;
  const format = foreignFormat(bytes);
  if (format !== null) throw invalidModel(`This is ${format.name}, not a .tflite model.`, format.hint);
  throw invalidModel(
    bytes.length < 8
      ? `A .tflite file has at least 8 bytes; this one has ${bytes.length}.`
      : "This is not a .tflite model: the mark TFL3 is missing at byte 4.",
    "Pass a .tflite file, as TensorFlow Lite's converter writes it.",
  );
}

function onlySubgraph(subgraphs: readonly CheckedTable[]): CheckedTable {
  const [subgraph] = subgraphs;
  if (subgraph === undefined) throw invalidModel("The model has no subgraph, so nothing to run.");
  if (subgraphs.length > 1) {
    const names = subgraphs.slice(0, 5).map((table) => `'${table.string(SUBGRAPH_NAME, "name") ?? ""}'`);
    throw new WamletError(
      "WAMLET_UNSUPPORTED_OPTION",
      `The model has ${subgraphs.length} subgraphs (${names.join(", ")}${subgraphs.length > 5 ? ", …" : ""}); Wamlet runs one.`,
      "Convert the model with a single signature and without IF, WHILE and CALL_ONCE.",
    );
  }
  return subgraph;
}

/** Tensor numbers of the graph's inputs or outputs; a model without either is of no use. */
function readEnds(
  subgraph: CheckedTable,
  field: number,
  what: string,
  tensorCount: number,
): readonly number[] {
  const numbers = subgraph.int32s(field, what);
  if (numbers.length === 0) throw invalidModel(`The model has no ${what}.`);
  const wrong = numbers.find((number) => number < 0 || number >= tensorCount);
  if (wrong !== undefined) {
    throw invalidModel(`The model's ${what} refer to tensor ${wrong}; the model has ${tensorCount}.`);
  }
  return numbers;
}

function usedTensors(records: readonly OperatorRecord[], ends: readonly number[]): Set<number> {
  const used = new Set(ends);
  for (const record of records) {
    for (const number of [...record.inputs, ...record.outputs]) if (number !== null) used.add(number);
  }
  return used;
}
