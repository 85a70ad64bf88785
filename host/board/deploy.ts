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
  options: DeployOptions,
): Promise<Deployed> {
  const { payload, manifestBytes, manifest } = module;
  const { name = "", activate = false, onProgress, signal } = options;
  const called = name === "" ? manifest.name : name;
  const doing = `deploy ${called}`;
  const started = performance.now();
  const begin = (request: number) => message("deploy-begin", { request, manifest: manifestBytes, name });
  const { offset: resumedAt } = await conversation.request(doing, begin, "deploy-ready", signal);
  if (resumedAt > payload.length) throw mismatch(called);

  const speed = (bytes: number) => ((bytes - resumedAt) * 1000) / Math.max(1, performance.now() - started);
  const report = (bytes: number) =>
    onProgress?.({ bytes, totalBytes: payload.length, bytesPerSecond: speed(bytes) });
  const commit = (request: number) => message("deploy-commit", { request });
  const stored = await withStrays(conversation, doing, async (failed) => {
    const check = () => {
      if (signal?.aborted) throw interrupted();
      const error = failed();
      if (error !== null) throw error;
    };
    await sendChunks(conversation, payload, resumedAt, check, report);
    return conversation.request(doing, commit, "deployed", signal);
  });
  if (Buffer.compare(stored.sha256, manifest.payloadSha256) !== 0) throw mismatch(called);
  report(payload.length);
  const milliseconds = performance.now() - started;
  const bytesPerSecond = speed(payload.length);
  if (activate) await activateModule(conversation, called);
  return {
    name: called,
    slot: stored.slot,
    payloadBytes: payload.length,
    resumedAt,
    milliseconds,
    bytesPerSecond,
  };
}

/** Sends the payload from `resumedAt` on. */
async function sendChunks(
  conversation: Conversation,
  payload: Uint8Array,
  resumedAt: number,
  check: () => void,
  report: (bytes: number) => void,
): Promise<void> {
  const { generation } = conversation;
  const step = chunkBytes(conversation);
  let arrived = resumedAt;
  for (let offset = resumedAt; offset < payload.length; offset += step) {
    await conversation.room();
    check();
    if (conversation.generation !== generation) throw restarted();
    conversation.post(message("deploy-chunk", { offset, data: payload.subarray(offset, offset + step) }));
    // Queued are messages, a little longer than their data: an estimate, which must not run backwards.
    arrived = Math.max(arrived, Math.min(payload.length, offset + step) - conversation.unacknowledged);
    report(arrived);
  }
}

/**
 * Runs an action while listening for errors about no request: the board says something about chunks only where
 * one fails, and by then others are under way. That error is why whatever follows fails, so it is the one thrown.
 */
async function withStrays<Value>(
  conversation: Conversation,
  doing: string,
  action: (failed: () => WamletError | null) => Promise<Value>,
): Promise<Value> {
  const done = new AbortController();
  let failed: WamletError | null = null;
  conversation
    .wait<never>(
      "stray",
      (received, settle) => received.type === "error" && settle.reject(refusal(received, doing)),
      done.signal,
    )
    .catch((error: WamletError) => {
      failed = error;
    });
  try {
    return await action(() => failed);
  } catch (error) {
    throw failed ?? error;
  } finally {
    done.abort();
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
