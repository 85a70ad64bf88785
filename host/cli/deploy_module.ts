/** Deploying with a line that shows how far it is, for every verb that brings a module onto a board. */
import type { Deployed } from "../board/deploy.js";
import type { WamletModule } from "../module/layout.js";
import type { BoardConnection } from "./board_connection.js";
import { formatBytes } from "./format.js";
import { rememberModule } from "./module_cache.js";
import type { Context } from "./verb.js";

export interface Deployment extends Deployed {
  /** SHA-256 of the payload, which is what the board read back from its flash. */
  readonly sha256: string;
  /** Bytes sent in this attempt, without those of an earlier one. */
  readonly sentBytes: number;
  /** By the line's clock: virtual time of a virtual board, else the wall's. */
  readonly microseconds: number;
  readonly clock: "virtual time" | "wall clock";
}

/**
 * Deploys, verifies, and keeps the module's file for verbs that need its description later.
 * @throws WamletError as `BoardSession.deploy`, WAMLET_DOES_NOT_FIT before anything is sent
 */
export async function deployWithProgress(
  { session, meter, board }: BoardConnection,
  module: WamletModule,
  { name, activate }: { readonly name?: string | undefined; readonly activate: boolean },
  { progress, signal, environment }: Context,
): Promise<Deployment> {
  if (board !== null) {
    const { accountFor, requireFit } = await import("../compiler/account.js");
    requireFit(accountFor(module, board));
  }
  const started = meter.read().microseconds;
  const called = name ?? module.manifest.name;
  let resumedAt: number | null = null;
  const deployed = await session.deploy(module, {
    name,
    activate,
    signal,
    onProgress: ({ bytes, totalBytes }) => {
      resumedAt ??= bytes;
      const seconds = Math.max(1, meter.read().microseconds - started) / 1e6;
      const rate = formatBytes(Math.round((bytes - resumedAt) / seconds));
      const done = `${formatBytes(bytes)} of ${formatBytes(totalBytes)}`;
      progress.show(`Deploying ${called}: ${done}, ${rate}/s`, bytes / totalBytes);
    },
  });
  progress.clear();
  const microseconds = meter.read().microseconds - started;
  await rememberModule(module, environment);
  return {
    ...deployed,
    sha256: Buffer.from(module.manifest.payloadSha256).toString("hex"),
    sentBytes: deployed.payloadBytes - deployed.resumedAt,
    bytesPerSecond: ((deployed.payloadBytes - deployed.resumedAt) * 1e6) / Math.max(1, microseconds),
    microseconds,
    clock: meter.clock.name,
  };
}
