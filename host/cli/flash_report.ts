/** What `wamlet flash` prints: what firmware holds, which chip is there, and what became of it. */
import type { BoardInfo } from "../board/board_session.js";
import { sha256 } from "../flash/bundle.js";
import { chips } from "../flash/chip.js";
import type { ChipFacts } from "../flash/connected_chip.js";
import type { CheckedFirmware } from "../flash/firmware.js";
import { formatBytes, formatFrequency } from "./format.js";
import type { Output } from "./output.js";
import { formatTable } from "./table.js";

const columns = [
  { heading: "offset", align: "right" },
  { heading: "image" },
  { heading: "kind" },
  { heading: "size", align: "right" },
  { heading: "version" },
  { heading: "SHA-256" },
] as const;

/** Enough of a hash to tell two builds apart; `--json` has all of it. */
const shownHash = 16;

export function hex(offset: number): string {
  return `0x${offset.toString(16)}`;
}

/** For `--json`. */
export function plainFirmware(firmware: CheckedFirmware): object {
  return {
    chip: chipName(firmware),
    agentVersion: firmware.agentVersion,
    images: firmware.images.map(({ name, kind, offset, data, app }) => ({
      name,
      kind,
      offset,
      bytes: data.length,
      sha256: sha256(data),
      ...(app?.description ?? {}),
    })),
    partitions: firmware.partitions,
  };
}

export function showFirmware(firmware: CheckedFirmware, output: Output): void {
  const { bold, dim } = output.colors;
  const agent = firmware.agentVersion === null ? "" : `, Wamlet agent ${firmware.agentVersion}`;
  output.line(`${bold(chipName(firmware) ?? "any chip")}${agent}`);
  const rows = firmware.images.map(({ name, kind, offset, data, app }) => [
    hex(offset),
    name,
    kind,
    formatBytes(data.length),
    app?.description == null ? "" : `${app.description.project} ${app.description.version}`,
    dim(sha256(data).slice(0, shownHash)),
  ]);
  output.line(formatTable(columns, rows, output.colors));
}

function chipName({ chip, imageChipId }: CheckedFirmware): string | null {
  return (chip ?? chips.find(({ imageId }) => imageId === imageChipId))?.name ?? null;
}

/** For `--json`. */
export function plainChip({ chip, ...facts }: ChipFacts): object {
  return { chip: chip.name, ...facts };
}

/** `ESP32-C3 (revision v0.4), 4 MiB flash, MAC 58:cf:79:…`. */
export function describeChip({ description, flashBytes, mac, lock }: ChipFacts): string {
  const parts = [description];
  if (flashBytes > 0) parts.push(`${formatBytes(flashBytes)} flash`);
  if (mac !== "") parts.push(`MAC ${mac}`);
  if (lock !== null) parts.push(`locked by ${lock}`);
  return parts.join(", ");
}

/** What an agent says of its board, in two lines, and what it measures energy with. */
export function showInfo(info: BoardInfo, output: Output): void {
  const { bold } = output.colors;
  output.line(
    `${bold(info.board)}  agent ${info.agentVersion} on ${info.chip}, ${formatFrequency(info.clockHertz)}`,
  );
  const store = `${info.storeSlots} × ${formatBytes(info.storeSlotBytes)}`;
  output.line(`RAM for modules ${formatBytes(info.memoryTotalBytes)}, module store ${store}`);
  if (info.energySensor !== "") output.line(`energy measured by ${info.energySensor}`);
}
