/** LOAD, UNLOAD, INPUT, COUNTERS and the state's RESET: a module at work. */
import { checkAbi } from "../module/abi.js";
import { runtimeMemory } from "../module/runtime_memory.js";
import { encodeMessage, type MessageOf, message } from "../wire/message.js";
import { type DeviceState, loadedModule, type Outcome } from "./device_state.js";
import { type Answered, LoadedModule } from "./loaded_module.js";
import { ModuleRunner } from "./module_runner.js";
import { Refusal } from "./refusal.js";
import type { StoredModule } from "./store.js";

export async function load(device: DeviceState, { request, name }: MessageOf<"load">): Promise<Outcome> {
  const { store, memory } = device;
  const stored = name === "" ? activeModule(device) : store.find(name);
  const { manifest, slot } = stored;
  if (stored.faulted) {
    const text = `${stored.name} was stopped for a fault in an earlier run.`;
    throw new Refusal("load-failed", [], text, "Deploy it again to give it another chance.");
  }
  if (!store.intact(stored)) {
    throw new Refusal(
      "store-corrupt",
      [slot],
      `The payload of ${stored.name} changed in flash.`,
      "Deploy it again.",
    );
  }
  const payload = store.payload(stored);
  const runtimeBytes = manifest.runtimeBytes || runtimeMemory(checkAbi(payload).module, manifest).totalBytes;
  const free = memory.take(manifest, runtimeBytes);
  let runner: ModuleRunner;
  try {
    runner = await ModuleRunner.load(payload, manifest, device.runner);
  } catch (error) {
    free();
    throw error;
  }
  device.lastHandle++;
  device.loaded.set(device.lastHandle, new LoadedModule(device.board, stored, runtimeBytes, runner, free));
  device.log("information", `${stored.name} ${manifest.version} is loaded as ${device.lastHandle}`);
  const answer = message("loaded", {
    request,
    handle: device.lastHandle,
    name: stored.name,
    version: manifest.version,
    sha256: manifest.payloadSha256,
    inputs: manifest.inputs,
    outputs: manifest.outputs,
    layers: manifest.layers,
    features: manifest.features,
    linearMemoryBytes: manifest.linearMemoryBytes,
    runtimeBytes,
    memoryTotalBytes: memory.totalBytes,
    memoryUsedBytes: memory.usedBytes,
    memoryLargestBlockBytes: memory.largestBlockBytes,
  });
  return { answers: [answer] };
}

export async function unload(
  device: DeviceState,
  { request, handle }: MessageOf<"unload">,
): Promise<Outcome> {
  const module = loadedModule(device, handle);
  device.loaded.delete(handle);
  await module.close();
  return { answers: [message("done", { request })] };
}

/** Takes a chunk; with a frame's last one, runs the inference. */
export async function input(
  device: DeviceState,
  chunk: MessageOf<"input">,
  maxPayload: number,
): Promise<Outcome> {
  const module = loadedModule(device, chunk.handle);
  if (!module.accept(chunk)) return { answers: [] };
  try {
    const answered = await module.infer(chunk.layers);
    return {
      answers: results(chunk, answered, device.memory.usedBytes, maxPayload),
      nanoseconds: answered.cost.nanoseconds,
    };
  } catch (error) {
    if (module.faulted) {
      device.store.markFaulted(module.stored.slot);
      device.log("error", `${module.stored.name} was stopped: ${(error as Error).message}`);
    }
    throw error;
  }
}

export function counters(device: DeviceState, { request, handle }: MessageOf<"counters">): Outcome {
  const { inferences, cycles, nanoseconds, nanojoules } = loadedModule(device, handle).totals;
  const microseconds = Math.round(nanoseconds / 1000);
  return { answers: [message("totals", { request, inferences, count: cycles, microseconds, nanojoules })] };
}

export async function resetState(device: DeviceState, reset: MessageOf<"reset">): Promise<Outcome> {
  await loadedModule(device, reset.handle).resetState();
  return { answers: [message("done", { request: reset.request })] };
}

function activeModule({ store }: DeviceState): StoredModule {
  const active = store.active();
  if (active !== undefined) return active;
  throw new Refusal("no-active-module", [], "No module is active.", "Name one, or activate one first.");
}

/** An answer's outputs in messages that the host takes; the last one carries the counters. */
function results(
  chunk: MessageOf<"input">,
  answered: Answered,
  memoryBytes: number,
  maxPayload: number,
): MessageOf<"result">[] {
  const { handle, frame } = chunk;
  const { cost, layerCycles, outputs } = answered;
  const about = { handle, frame };
  const overhead = encodeMessage(message("result", { ...about, ...LARGEST })).length - LARGEST.data.length;
  const room = maxPayload - overhead;
  const pieces: MessageOf<"result">[] = [];
  for (const [tensor, bytes] of outputs.entries()) {
    for (let offset = 0; offset < bytes.length; offset += room) {
      const data = bytes.subarray(offset, offset + room);
      pieces.push(message("result", { ...about, tensor, offset, data, more: true }));
    }
  }
  for (const layers of inGroups(layerCycles, maxPayload))
    pieces.push(message("result", { ...about, layers, more: true }));
  const counters = message("result", {
    ...about,
    count: cost.cycles,
    microseconds: cost.microseconds,
    nanojoules: cost.nanojoules,
    energySource: "modelled",
    memoryBytes,
  });
  return withCounters(pieces, counters, maxPayload);
}

/** Fields that come with a piece of output at their largest; the data's length takes two bytes. */
const LARGEST = { tensor: 0xffff, offset: 0xffffffff, more: true, data: new Uint8Array(128) };

/** The last piece and the counters share a message where both fit. */
function withCounters(
  pieces: readonly MessageOf<"result">[],
  counters: MessageOf<"result">,
  maxPayload: number,
): MessageOf<"result">[] {
  const last = pieces.at(-1);
  if (last === undefined) return [counters];
  const { count, microseconds, nanojoules, energySource, memoryBytes } = counters;
  const joined = { ...last, more: false, count, microseconds, nanojoules, energySource, memoryBytes };
  if (encodeMessage(joined).length <= maxPayload) return [...pieces.slice(0, -1), joined];
  return [...pieces, counters];
}

/** A packed integer takes at most 8 bytes; a group of them fits a message. */
function inGroups(values: readonly number[], maxPayload: number): number[][] {
  const most = Math.floor((maxPayload - 32) / 8);
  const groups: number[][] = [];
  for (let start = 0; start < values.length; start += most) groups.push(values.slice(start, start + most));
  return groups;
}
