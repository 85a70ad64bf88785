/** INFO: what the virtual board says of itself, all of it from the descriptor or from its state. */
import { runtimeFeatures } from "../module/manifest.js";
import { packageVersion } from "../package_root.js";
import { protocolVersion } from "../wire/greeting.js";
import { type MessageOf, message } from "../wire/message.js";
import type { DeviceState, Outcome } from "./device_state.js";
import { countSource } from "./modelled_cost.js";

/** V8 runs all that the ABI knows; whether the board's own runtime does, its descriptor's runtime says. */
export const offeredFeatures = Object.values(runtimeFeatures).reduce((bits, bit) => bits | bit, 0);

export function hello(device: DeviceState, { request, client }: MessageOf<"hello">): Outcome {
  const { board, memory, store } = device;
  device.log("information", `session with ${client || "an unnamed client"}`);
  const answer = message("info", {
    request,
    protocolVersion,
    board: board.name,
    chip: `${board.chip} (virtual)`,
    agentVersion: `${packageVersion()} virtual board`,
    clockHertz: board.clockHertz.value,
    countUnit: "cycles",
    countSource: countSource(board),
    memoryTotalBytes: memory.totalBytes,
    memoryUsedBytes: memory.usedBytes,
    memoryHighWaterBytes: memory.highWaterBytes,
    memoryLargestBlockBytes: memory.largestBlockBytes,
    receiveBufferBytes: device.receiveBufferBytes,
    maxPayload: device.maxPayload,
    runtimeName: `${board.runtime.name} (modelled on V8)`,
    runtimeVersion: board.runtime.version,
    runtimePageBytes: board.runtime.pageBytes,
    features: offeredFeatures,
    storeSlots: store.layout.slots,
    storeSlotBytes: store.layout.payloadBytes,
    storeFreeSlots: store.layout.slots - store.list().length,
    serialNumber: "",
    bootId: device.bootId,
    energySensor: "",
  });
  return { answers: [answer] };
}
