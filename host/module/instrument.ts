/**
 * Rewrites a final module so that it counts what it executes. One i64 global is added per counted block and stepped
 * when the block begins, so the counts are exact and the same in every run, whatever machine runs the host. Functions
 * keep their indices and imports stay, so the rewritten module answers just as the payload does.
 */
import { type AbiSummary, checkAbi } from "./abi.js";
import type { BlockCost, Insertion, MemoryOperation } from "./block_cost.js";
import { blocksOf } from "./block_counts.js";
import { ByteWriter } from "./byte_writer.js";
import { unsupported } from "./code_reader.js";
import type { ModuleFunction } from "./core_module.js";
import { type CountingPlan, counterWeights } from "./execution_counts.js";
import { code } from "./opcodes.js";
import { readSections, sectionId, wasmHeader } from "./sections.js";

/** Export of the fuel left; below zero it is used up, and that is why the module trapped. */
export const fuelExport = "wamlet.fuel";

/** More counters than a real model needs by far; V8 takes a million globals. */
const mostCounters = 50_000;

const byteExports: Readonly<Record<MemoryOperation, string>> = {
  init: "wamlet.bytes.init",
  copy: "wamlet.bytes.copy",
  fill: "wamlet.bytes.fill",
};

export interface InstrumentedModule {
  /** WebAssembly for V8, not for a board. */
  readonly wasm: Uint8Array;
  readonly plan: CountingPlan;
  /** Every block with what it executes. */
  readonly blocks: readonly BlockCost[];
  readonly abi: AbiSummary;
}

/**
 * Rewrites a payload so that it counts.
 *
 * With `fuel` the module has the exported mutable i64 global `wamlet.fuel`: set it before a call to the opcodes that
 * the call may execute. Function entries and loop headers charge the opcodes that they surely execute (so a module is
 * never charged more than it ran), and trap once the fuel is below zero. `outOfFuel` tells that trap from others.
 *
 * @param payload a module's payload; checked against the ABI
 * @throws WamletError WAMLET_INVALID_MODULE, WAMLET_UNSUPPORTED_MODULE
 */
export function instrumentForCounting(payload: Uint8Array, options: { fuel: boolean }): InstrumentedModule {
  const abi = checkAbi(payload);
  const { module } = abi;
  let counters = 0;
  const newCounter = (): number => {
    if (counters === mostCounters) throw unsupported(`more than ${mostCounters} counted blocks`);
    return counters++;
  };
  const functions = module.functions.map((body) => blocksOf(module, body, abi.layers, newCounter));
  const blocks = functions.flatMap((all) => all.blocks);

  // New globals follow those of the module: counters, bytes of init, copy and fill, fuel.
  const firstCounter = module.globals.length;
  const names = Array.from({ length: counters }, (_, counter) => `wamlet.count.${counter}`);
  const operations: MemoryOperation[] = ["init", "copy", "fill"];
  const allNames = [
    ...names,
    ...operations.map((operation) => byteExports[operation]),
    ...(options.fuel ? [fuelExport] : []),
  ];
  const globals: GlobalIndices = {
    counter: firstCounter,
    bytes: firstCounter + counters,
    fuel: options.fuel ? firstCounter + counters + operations.length : null,
  };
  const bodies = module.functions.map((body, index) =>
    rewriteBody(payload, body, functions[index]?.insertions ?? [], globals),
  );

  const writer = new ByteWriter().raw(wasmHeader);
  for (const section of readSections(payload)) {
    if (section.id === sectionId.custom) continue;
    let content = section.body;
    if (section.id === sectionId.global) {
      content = extend(section.body, module.globals.length, allNames, (more) =>
        more.u8(0x7e).u8(1).u8(code.i64Const).s64(0n).u8(code.end),
      );
    } else if (section.id === sectionId.export) {
      content = extend(section.body, module.exports.length, allNames, (more, name, index) =>
        more
          .name(name)
          .u8(3)
          .u32(firstCounter + index),
      );
    } else if (section.id === sectionId.code) {
      const all = new ByteWriter().u32(bodies.length);
      for (const body of bodies) all.sized(body);
      content = all.finish();
    }
    writer.section(section.id, content);
  }
  return {
    wasm: writer.finish(),
    plan: { counters: names, bytes: byteExports, weights: counterWeights(blocks, counters) },
    blocks,
    abi,
  };
}

/** First index of each group of added globals. */
interface GlobalIndices {
  readonly counter: number;
  readonly bytes: number;
  readonly fuel: number | null;
}

/** A section that is a vector, with one item more for each name. */
function extend(
  body: Uint8Array,
  count: number,
  names: readonly string[],
  write: (more: ByteWriter, name: string, index: number) => void,
): Uint8Array {
  let start = 0;
  while ((body[start] as number) >= 0x80) start++;
  const writer = new ByteWriter().u32(count + names.length).raw(body.subarray(start + 1));
  names.forEach((name, index) => {
    write(writer, name, index);
  });
  return writer.finish();
}

/** A function body with its insertions, without its length. */
function rewriteBody(
  payload: Uint8Array,
  body: ModuleFunction,
  insertions: readonly Insertion[],
  globals: GlobalIndices,
): Uint8Array {
  const writer = new ByteWriter();
  // Lengths of bulk memory operations pass through a local that is added behind the others.
  const temporary = insertions.some((insertion) => insertion.kind === "memory");
  writer.u32(body.localGroups.length + (temporary ? 1 : 0));
  const types = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c };
  for (const { count, type } of body.localGroups) writer.u32(count).u8(types[type]);
  if (temporary) writer.u32(1).u8(types.i32);
  const length = body.type.parameters.length + body.locals.length;

  let position = body.instructions[0]?.start ?? body.end;
  for (const insertion of [...insertions].sort((left, right) => left.position - right.position)) {
    writer.raw(payload.subarray(position, insertion.position));
    position = insertion.position;
    if (insertion.kind === "counter") {
      step(writer, globals.counter + insertion.counter);
    } else if (insertion.kind === "memory") {
      addLength(writer, globals.bytes + ["init", "copy", "fill"].indexOf(insertion.operation), length);
    } else if (globals.fuel !== null) {
      burn(writer, globals.fuel, insertion.block);
    }
  }
  return writer.raw(payload.subarray(position, body.end)).finish();
}

/** `global += 1` */
function step(writer: ByteWriter, global: number): void {
  writer.u8(code.globalGet).u32(global);
  writer.u8(code.i64Const).s64(1n).u8(code.i64Add);
  writer.u8(code.globalSet).u32(global);
}

/** `global += length`, the length being on top of the stack and staying there. */
function addLength(writer: ByteWriter, global: number, local: number): void {
  writer.u8(code.localSet).u32(local);
  writer.u8(code.globalGet).u32(global);
  writer.u8(code.localGet).u32(local).u8(code.i64ExtendI32U).u8(code.i64Add);
  writer.u8(code.globalSet).u32(global);
  writer.u8(code.localGet).u32(local);
}

/** `fuel -= opcodes of the block; if (fuel < 0) trap` */
function burn(writer: ByteWriter, fuel: number, block: BlockCost): void {
  const opcodes = block.classes.reduce((sum, count) => sum + count, 0);
  writer.u8(code.globalGet).u32(fuel);
  writer
    .u8(code.i64Const)
    .s64(BigInt(Math.max(1, opcodes)))
    .u8(code.i64Sub);
  writer.u8(code.globalSet).u32(fuel);
  writer.u8(code.globalGet).u32(fuel);
  writer.u8(code.i64Const).s64(0n).u8(code.i64LtS);
  writer.u8(code.if).u8(0x40).u8(code.unreachable).u8(code.end);
}
