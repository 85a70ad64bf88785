/** LIST, ACTIVATE, REMOVE: what lies in the store. */
import { encodeMessage, type MessageOf, message, type StoredModule } from "../wire/message.js";
import { refuseWhileLoaded } from "./deploy_messages.js";
import type { DeviceState, Outcome } from "./device_state.js";

/** As many entries from `first` on as one message holds; the host asks again for the rest. */
export function list(
  device: DeviceState,
  { request, first }: MessageOf<"list">,
  maxPayload: number,
): Outcome {
  const entries = storedModules(device);
  const answer = (count: number) =>
    message("modules", { request, total: entries.length, modules: entries.slice(first, first + count) });
  let count = Math.max(0, entries.length - first);
  while (count > 1 && encodeMessage(answer(count)).length > maxPayload) count--;
  return { answers: [answer(count)] };
}

export function activate(device: DeviceState, { request, name }: MessageOf<"activate">): Outcome {
  device.store.activate(name);
  return { answers: [message("done", { request })] };
}

export function remove(device: DeviceState, { request, name }: MessageOf<"remove">): Outcome {
  device.store.find(name);
  refuseWhileLoaded(device, name);
  device.store.remove(name);
  return { answers: [message("done", { request })] };
}

/** Modules and unfinished deploys, by slot. */
function storedModules({ store }: DeviceState): StoredModule[] {
  const complete = store.list().map(({ slot, name, manifest, active, faulted }) => ({
    ...describe(slot, name, manifest),
    active,
    state: faulted ? ("faulted" as const) : ("complete" as const),
  }));
  const partial = store.listPartial().map(({ slot, name, manifest }) => ({
    ...describe(slot, name, manifest),
    active: false,
    state: "partial" as const,
  }));
  return [...complete, ...partial].sort((first, second) => first.slot - second.slot);
}

function describe(
  slot: number,
  name: string,
  manifest: { readonly version: string; readonly payloadBytes: number; readonly payloadSha256: Uint8Array },
) {
  const { version, payloadBytes, payloadSha256 } = manifest;
  return { slot, name, version, payloadBytes, sha256: payloadSha256 };
}
