/** Are the answers exactly those of the goldens? Runs suites on any executor: a worker on the desk, or a board. */

import { elementBytes } from "../element_type.js";
import { WamletError } from "../errors.js";
import type { TensorDescription } from "../module/description.js";
import type { WamletModule } from "../module/layout.js";
import type { SuiteCase } from "./suite.js";

/** Something that holds one module and runs it. */
export interface Executor {
  /** One inference on the inputs' bytes, one after the other. @returns the outputs', one after the other */
  infer(input: Uint8Array): Promise<Uint8Array>;
  /** Clears the model's state; nothing where it has none. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

/** The first place where an answer differs. */
export interface Mismatch {
  /** Which sample of the case. */
  readonly sample: string;
  readonly tensor: string;
  /** Coordinates of the element in its tensor. */
  readonly position: readonly number[];
  /** Byte in the tensor. */
  readonly byte: number;
  readonly got: number;
  readonly expected: number;
  /** Bytes that differ in this sample. */
  readonly differing: number;
}

export type CaseResult = { readonly id: string; readonly group: string } & (
  | { readonly result: "exact" }
  | { readonly result: "different"; readonly mismatch: Mismatch }
  | { readonly result: "unsupported"; readonly reason: string }
  | { readonly result: "failed"; readonly error: WamletError }
);

/** Where two byte strings of the module's outputs first differ, or null. */
export function firstMismatch(
  sample: string,
  outputs: readonly TensorDescription[],
  got: Uint8Array,
  expected: Uint8Array,
): Mismatch | null {
  if (got.length !== expected.length) {
    throw new WamletError(
      "WAMLET_WRONG_SHAPE",
      `The golden has ${expected.length} bytes, the model's outputs ${got.length}.`,
      "Give the raw little-endian bytes of all outputs, one after the other.",
    );
  }
  const at = got.findIndex((byte, index) => byte !== expected[index]);
  if (at < 0) return null;
  let differing = 0;
  got.forEach((byte, index) => {
    if (byte !== expected[index]) differing++;
  });
  let start = 0;
  for (const tensor of outputs) {
    if (at < start + tensor.bytes) {
      const byte = at - start;
      const element = Math.floor(byte / elementBytes[tensor.type]);
      return {
        sample,
        tensor: tensor.name,
        position: coordinates(element, tensor.shape),
        byte,
        got: got[at] as number,
        expected: expected[at] as number,
        differing,
      };
    }
    start += tensor.bytes;
  }
  throw new RangeError("the outputs' descriptions are shorter than the outputs");
}

function coordinates(element: number, shape: readonly number[]): number[] {
  const position: number[] = [];
  let rest = element;
  for (const size of [...shape].reverse()) {
    position.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return position;
}

const unsupportedCodes = [
  "WAMLET_UNSUPPORTED_OPERATOR",
  "WAMLET_UNSUPPORTED_TYPE",
  "WAMLET_UNSUPPORTED_OPTION",
];

/** What a suite needs to run its cases. */
export interface Validation {
  /** The case's module, compiled where it is a model. */
  compile(one: SuiteCase): Promise<WamletModule>;
  execute(module: WamletModule): Promise<Executor>;
}

/** A module that is ready to run, or why it is not; kept while the next case is of the same model. */
type Prepared =
  | { readonly module: WamletModule; readonly executor: Executor }
  | { readonly result: "unsupported"; readonly reason: string }
  | { readonly result: "failed"; readonly error: WamletError };

/**
 * Runs cases one after the other. A model that Wamlet does not support, or that a board cannot take, is a result and
 * no error; only an interruption is thrown.
 */
export async function* validateSuite(
  cases: readonly SuiteCase[],
  validation: Validation,
): AsyncGenerator<CaseResult, void, undefined> {
  let modelPath: string | null = null;
  let prepared: Prepared | null = null;
  const close = async () => {
    if (prepared && "executor" in prepared) await prepared.executor.close();
    prepared = null;
  };
  try {
    for (const one of cases) {
      if (prepared === null || one.modelPath !== modelPath) {
        await close();
        prepared = await prepare(one, validation);
        modelPath = one.modelPath;
      }
      const { id, group } = one;
      if ("result" in prepared) {
        yield { id, group, ...prepared };
        continue;
      }
      const result: CaseResult = await runCase(one, prepared.module, prepared.executor);
      // What a module that failed left behind, nobody knows: the next case starts it anew.
      if (result.result === "failed") await close().catch(() => undefined);
      yield result;
    }
  } finally {
    await close();
  }
}

async function prepare(one: SuiteCase, { compile, execute }: Validation): Promise<Prepared> {
  try {
    const module = await compile(one);
    return { module, executor: await execute(module) };
  } catch (error) {
    const known = asFailure(error);
    return unsupportedCodes.includes(known.code)
      ? { result: "unsupported", reason: known.message }
      : { result: "failed", error: known };
  }
}

async function runCase(one: SuiteCase, module: WamletModule, executor: Executor): Promise<CaseResult> {
  const { id, group } = one;
  try {
    await executor.reset();
    for (const sample of one.samples) {
      if (!one.sequence) await executor.reset();
      const answer = await executor.infer(await sample.input());
      const mismatch = firstMismatch(sample.name, module.description.outputs, answer, await sample.golden());
      if (mismatch) return { id, group, result: "different", mismatch };
    }
    return { id, group, result: "exact" };
  } catch (error) {
    return { id, group, result: "failed", error: asFailure(error) };
  }
}

/** Rethrows what is no finding about the case. */
function asFailure(error: unknown): WamletError {
  if (error instanceof WamletError && error.code !== "WAMLET_INTERRUPTED") return error;
  throw error;
}
