/** DEPLOY_BEGIN, DEPLOY_CHUNK, DEPLOY_COMMIT: a module on its way into the store. */
import { abiVersion } from "../module/abi.js";
import { decodeManifest } from "../module/manifest_codec.js";
import { type MessageOf, message } from "../wire/message.js";
import { offeredFeatures } from "./device_info.js";
import type { DeviceState, Outcome } from "./device_state.js";
import { Refusal } from "./refusal.js";

/** Refuses what this board could never run, before a byte of it is stored. */
export function deployBegin(device: DeviceState, begin: MessageOf<"deploy-begin">): Outcome {
  const manifest = decodeManifest(begin.manifest);
  if (manifest.abi !== abiVersion) {
    throw new Refusal(
      "unsupported-abi",
      [manifest.abi, abiVersion],
      `${manifest.name} has ABI ${manifest.abi}; this board runs ABI ${abiVersion}.`,
      "Compile it again with this release.",
    );
  }
  const missing = manifest.features & ~offeredFeatures;
  if (missing !== 0) {
    throw new Refusal(
      "unsupported-feature",
      [missing >>> 0],
      `${manifest.name} needs features 0x${missing.toString(16)}.`,
    );
  }
  device.memory.checkFits(manifest, manifest.runtimeBytes);
  const name = begin.name === "" ? manifest.name : begin.name;
  refuseWhileLoaded(device, name);
  const { offset, slot } = device.store.begin(begin.manifest, begin.name);
  device.log(
    "information",
    `deploy of ${name} to slot ${slot} from byte ${offset} of ${manifest.payloadBytes}`,
  );
  return { answers: [message("deploy-ready", { request: begin.request, offset, slot })] };
}

/** Nothing is answered: what goes wrong is told once, as an error without a request. */
export function deployChunk(device: DeviceState, { offset, data }: MessageOf<"deploy-chunk">): Outcome {
  const { deployment } = device.store;
  if (deployment === undefined) throw new Refusal("no-deploy", [], "A chunk came without a deploy.");
  deployment.write(offset, data);
  return { answers: [] };
}

export function deployCommit(device: DeviceState, { request }: MessageOf<"deploy-commit">): Outcome {
  const { name, slot, manifest } = device.store.commit();
  device.log("information", `${name} ${manifest.version} is stored in slot ${slot}`);
  return { answers: [message("deployed", { request, sha256: manifest.payloadSha256, slot })] };
}

/** Its payload runs from flash, so a loaded module is neither replaced nor removed under its feet. */
export function refuseWhileLoaded(device: DeviceState, name: string): void {
  for (const [handle, module] of device.loaded) {
    if (module.stored.name !== name) continue;
    throw new Refusal("module-loaded", [handle], `${name} is loaded as ${handle}.`, "Unload it first.");
  }
}
