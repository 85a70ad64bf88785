/** How a session ends without being closed, in words. */
import { WamletError } from "../errors.js";
import { minPayloadLimit } from "./frame.js";
import { protocolVersion, type Ready } from "./greeting.js";

export function silentBoard(milliseconds: number): WamletError {
  return new WamletError(
    "WAMLET_LINE_TIMEOUT",
    `The board has been silent for ${seconds(milliseconds)} while an answer was due.`,
    "Check cable and power; where one inference really takes that long, allow it with --timeout SECONDS.",
  );
}

export function noAgent(milliseconds: number): WamletError {
  return new WamletError(
    "WAMLET_LINE_TIMEOUT",
    `No Wamlet agent has answered within ${seconds(milliseconds)}.`,
    "Check that the agent is flashed, that this is its port, and that the baud rate (--baud-rate) is the board's.",
  );
}

export function stuckBoard(): WamletError {
  return new WamletError(
    "WAMLET_LINE_TIMEOUT",
    "The board answers every question, but has not taken the next message for a long time.",
    "Restart the board; if this happens again, the line damages every long frame: lower the baud rate.",
  );
}

export function takenOver(): WamletError {
  return new WamletError(
    "WAMLET_LINE_CLOSED",
    "Another program has opened a session with this board.",
    "Let one program at a time use the board.",
  );
}

export function otherVersion(ready: Ready): WamletError {
  const { minVersion, maxVersion } = ready;
  return new WamletError(
    "WAMLET_PROTOCOL_VERSION",
    `The board speaks protocol versions ${minVersion} to ${maxVersion}, this release version ${protocolVersion}.`,
    "Flash the agent of this release, or use the release of wamlet that fits the board.",
  );
}

export function smallBoard(maxPayload: number): WamletError {
  return new WamletError(
    "WAMLET_INVALID_PACKET",
    `The board takes messages of ${maxPayload} bytes at most; the protocol needs ${minPayloadLimit}.`,
    "Flash an agent with a larger receive buffer.",
  );
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(milliseconds < 10_000 ? 1 : 0)} s`;
}
