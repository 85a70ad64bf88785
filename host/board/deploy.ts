/** Brings a module onto the board: announce, send what the board does not have yet, have it read back. */
import { WamletError } from "../errors.js";
import type { Manifest } from "../module/manifest.js";
import { interrupted } from "../transport/abort.js";
import { message } from "../wire/message.js";
import type { Conversation } from "./conversation.js";
import { restarted } from "./conversation_errors.js";
import { chunkBytes } from "./inference.js";
import { refusal } from "./refusal.js";

/** A compiled module as it is deployed. */
export interface DeployableModule {
  readonly payload: Uint8Array;
  readonly manifestBytes: Uint8Array;
  readonly manifest: Manifest;
}

export interface DeployProgress {
  /** Payload bytes that the board has, those of an earlier attempt included. */
  readonly bytes: number;
  readonly totalBytes: number;
  readonly bytesPerSecond: number;
}

export interface DeployOptions {
  /** The name to store it by; without it, the manifest's. */
  readonly name?: string | undefined;
  /** Make it the active module once it is stored. */
  readonly activate?: boolean | undefined;
  readonly onProgress?: ((progress: DeployProgress) => void) | undefined;
  /** Stops with WAMLET_INTERRUPTED; the next deploy of the same module goes on from there. */
  readonly signal?: AbortSignal | undefined;
}

export interface Deployed {
  readonly name: string;
  readonly slot: number;
  readonly payloadBytes: number;
  /** Bytes that the board had from an earlier attempt. */
  readonly resumedAt: number;
  readonly milliseconds: number;
  /** Payload bytes sent in this attempt, per second. */
  readonly bytesPerSecond: number;
}

/** @throws WamletError WAMLET_DOES_NOT_FIT, WAMLET_STORE_FULL, WAMLET_HASH_MISMATCH… */
export async function deployModule(
  conversation: Conversation,
  module: DeployableModule,
  { name = "", activate = false, onProgress, signal }: DeployOptions,
): Promise<Deployed> {
  const { payload, manifestBytes, manifest } = module;
  const called = name === "" ? manifest.name : name;
  const doing = `deploy ${called}`;
  const started = performance.now();
  const { generation } = conversation;
  const ready = await conversation.request(
    doing,
    (request) => message("deploy-begin", { request, manifest: manifestBytes, name }),
    "deploy-ready",
    signal,
  );
  if (ready.offset > payload.length) throw mismatch(called);

  const speed = (bytes: number) => ((bytes - ready.offset) * 1000) / Math.max(1, performance.now() - started);
  const failed = new AbortController();
  // Chunks are answered only where one fails; by then later ones are under way, and they fail too.
  let reason: WamletError | null = null;
  conversation
    .wait<never>(
      "stray",
      (received) => {
        if (received.type === "error") reason ??= refusal(received, doing);
      },
      failed.signal,
    )
    .catch(() => {});
  try {
    const step = chunkBytes(conversation);
    for (let offset = ready.offset; offset < payload.length; offset += step) {
      await conversation.room();
      if (signal?.aborted) throw interrupted();
      if (conversation.generation !== generation) throw restarted();
      if (reason !== null) throw reason;
      conversation.post(message("deploy-chunk", { offset, data: payload.subarray(offset, offset + step) }));
      const bytes = Math.max(
        ready.offset,
        Math.min(payload.length, offset + step) - conversation.unacknowledged,
      );
      onProgress?.({ bytes, totalBytes: payload.length, bytesPerSecond: speed(bytes) });
    }
    const stored = await conversation.request(
      doing,
      (request) => message("deploy-commit", { request }),
      "deployed",
      signal,
    );
    if (Buffer.compare(stored.sha256, manifest.payloadSha256) !== 0) throw mismatch(called);
    const bytesPerSecond = speed(payload.length);
    onProgress?.({ bytes: payload.length, totalBytes: payload.length, bytesPerSecond });
    if (activate) await activateModule(conversation, called);
    return {
      name: called,
      slot: stored.slot,
      payloadBytes: payload.length,
      resumedAt: ready.offset,
      milliseconds: performance.now() - started,
      bytesPerSecond,
    };
  } catch (error) {
    // The commit's "no deploy under way" only follows from what went wrong with a chunk.
    throw reason ?? error;
  } finally {
    failed.abort();
  }
}

/** Points the store's active pointer at a module. */
export async function activateModule(conversation: Conversation, name: string): Promise<void> {
  await conversation.request(`activate ${name}`, (request) => message("activate", { request, name }), "done");
}

function mismatch(name: string): WamletError {
  return new WamletError(
    "WAMLET_HASH_MISMATCH",
    `What the board read back from flash is not what was sent as ${name}.`,
    "Deploy it again; if this happens again, the board's flash is failing.",
  );
}
