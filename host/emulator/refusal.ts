/**
 * A "no" of the board: one of the wire's error codes with its figures. The device puts it into an ERROR message;
 * whoever uses a part of the virtual board directly catches it as a WamletError.
 */
import { WamletError } from "../errors.js";
import { type DeviceErrorName, deviceErrors } from "../wire/error_code.js";

export class Refusal extends WamletError {
  /**
   * @param reason a name of host/wire/error_code.ts
   * @param numbers the figures that the table there names, in its order
   * @param text one sentence for people; the wire carries its first 96 bytes
   */
  constructor(
    readonly reason: DeviceErrorName,
    readonly numbers: readonly number[],
    text: string,
    hint = 'See docs/PROTOCOL.md, "Error codes", for what to do.',
  ) {
    super(deviceErrors[reason].code, text, hint);
  }
}
