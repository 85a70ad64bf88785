/** From probes to a cost table: builds modules, has a board run them, and solves for the price of each class. */
import { createHash } from "node:crypto";
import binaryen from "binaryen";
import { checkAbi } from "../../dist/host/module/abi.js";
import { collectCounts } from "../../dist/host/module/execution_counts.js";
import { instrumentForCounting } from "../../dist/host/module/instrument.js";
import { layPayload } from "../../dist/host/module/layout.js";
import { encodeManifest } from "../../dist/host/module/manifest_codec.js";
import { runtimeMemory } from "../../dist/host/module/runtime_memory.js";
import { webAssembly } from "../../dist/host/module/webassembly.js";
import { locals, moveLengths, moveProbes, notes, opcodeProbes } from "./probes.mjs";

/** Turns of a probe's loop, and copies of its body in the short and the long one. */
const turns = 2000;
const shortCopies = 8;
const longCopies = 40;
/** A counter of cycles wavers: the middle of some runs counts. */
const runs = 5;

/**
 * @param session an open BoardSession
 * @param onProgress called with the name of each class
 * @returns `opcode`, `memoryInit`, `memoryCopy`, `call` and `notes` of a cost table
 */
export async function calibrate(session, onProgress = () => {}) {
  const call = round(await countOf(session, plainModule()), 0);
  const opcode = {};
  for (const [name, bodies] of Object.entries(opcodeProbes)) {
    onProgress(name);
    const prices = [];
    for (const body of bodies) prices.push(await priceOf(session, name, body, opcode));
    opcode[name] = round(prices.reduce((sum, price) => sum + price, 0) / prices.length, 1);
  }
  const moves = {};
  for (const [name, body] of Object.entries(moveProbes)) {
    onProgress(name);
    const [short, long] = moveLengths;
    const [shortCost, longCost] = [
      await priceOf(session, "bulk", body(short), opcode),
      await priceOf(session, "bulk", body(long), opcode),
    ];
    const byte = (longCost - shortCost) / (long - short);
    moves[name] = { call: round(shortCost - short * byte, 0), byte: round(byte, 2) };
  }
  return { notes, opcode, ...moves, call };
}

/** Counts that one opcode of the class takes in this body. */
async function priceOf(session, name, body, known) {
  const [short, long] = [probeModule(body, shortCopies), probeModule(body, longCopies)];
  let rest = (await countOf(session, long)) - (await countOf(session, short));
  const [few, many] = [classesOf(short), classesOf(long)];
  for (const other of Object.keys(many)) {
    const more = many[other] - few[other];
    if (other === name || more === 0) continue;
    if (known[other] === undefined) throw new Error(`a probe of ${name} executes ${other}, not yet measured`);
    rest -= more * known[other];
  }
  return rest / (many[name] - few[name]);
}

/** Loads a module, runs it some times and takes the middle count. */
async function countOf(session, module) {
  await session.deploy(module);
  const loaded = await session.load(module.manifest.name);
  const counts = [];
  for (let run = 0; run < runs; run++) counts.push((await loaded.infer([new Uint8Array(4)])).count.value);
  await loaded.unload();
  await session.remove(module.manifest.name);
  return counts.sort((one, other) => one - other)[(runs - 1) / 2];
}

/** Opcodes by class that one inference executes, as WAMR does. */
function classesOf({ payload }) {
  const { wasm, plan } = instrumentForCounting(payload, { fuel: false });
  const instance = new webAssembly.Instance(new webAssembly.Module(wasm), { wamlet: { layer: () => {} } });
  instance.exports.infer();
  return collectCounts(instance.exports, plan).classes;
}

function plainModule() {
  return returnModule(4);
}

/**
 * A module that only returns.
 * @param bytes of its input, and of its output
 * @param weightBytes that nobody reads
 */
export function returnModule(bytes, weightBytes) {
  return moduleOf(`(func (export "infer") (result i32) (i32.const 0))`, { bytes, weightBytes });
}

function probeModule(body, copies) {
  const declared = Object.entries(locals).map(([name, [type]]) => `(local ${name} ${type})`);
  const set = Object.entries(locals).map(
    ([name, [type, value]]) => `(local.set ${name} (${type}.const ${value}))`,
  );
  return moduleOf(
    `(func $callee (param i32 i32) (result i32) (local.get 0))
    (func (export "infer") (result i32) (local $turn i32) ${declared.join(" ")}
      ${set.join(" ")}
      (local.set $turn (i32.const ${turns}))
      (loop $next
        ${body.repeat(copies)}
        (br_if $next (local.tee $turn (i32.sub (local.get $turn) (i32.const 1)))))
      (i32.const 0))`,
    { layers: body.includes("$layer") },
  );
}

/** A module as it is deployed: its output is its input. */
function moduleOf(functions, { layers = false, bytes = 4, weightBytes = Math.max(...moveLengths) } = {}) {
  const payload = layPayload(
    assemble(`(module
      ${layers ? '(import "wamlet" "layer" (func $layer (param i32)))' : ""}
      (memory (export "memory") 1 1)
      (global (export "__heap_base") i32 (i32.const 4096))
      (global (export "__data_end") i32 (i32.const 4096))
      (global $state (mut i64) (i64.const 0))
      (data $weights "${"\\5a".repeat(weightBytes)}")
      ${functions})`),
  );
  const abi = checkAbi(payload);
  const manifest = {
    kind: "wasm",
    abi: 1,
    name: "calibration",
    version: "1",
    payloadBytes: payload.length,
    payloadSha256: new Uint8Array(createHash("sha256").update(payload).digest()),
    linearMemoryBytes: abi.linearMemoryBytes,
    runtimeBytes: 0,
    inputs: [{ offset: 0, bytes }],
    outputs: [{ offset: 0, bytes }],
    features: abi.features,
    opcodeBudget: 100_000_000,
    layers: layers ? 1 : 0,
  };
  manifest.runtimeBytes = runtimeMemory(abi.module, manifest).totalBytes;
  return { payload, manifest, manifestBytes: encodeManifest(manifest) };
}

/** As it stands: nothing is optimised away. */
function assemble(text) {
  const module = binaryen.parseText(text);
  const { MutableGlobals, SignExt, NontrappingFPToInt, BulkMemory, BulkMemoryOpt } = binaryen.Features;
  try {
    module.setFeatures(MutableGlobals | SignExt | NontrappingFPToInt | BulkMemory | BulkMemoryOpt);
    if (!module.validate()) throw new Error("a probe is no valid module");
    return module.emitBinary();
  } finally {
    module.dispose();
  }
}

function round(value, digits) {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}
