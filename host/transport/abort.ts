/** What an aborted operation throws. */
import { WamletError } from "../errors.js";

export function interrupted(): WamletError {
  return new WamletError("WAMLET_INTERRUPTED", "Interrupted.", "Run the command again to go on.");
}
