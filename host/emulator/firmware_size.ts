/** What a firmware image takes of flash and RAM, as the compiler's own tools say, beside its port's budget. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { WamletError } from "../errors.js";
import { readPort } from "./firmware_build.js";

export interface FirmwareSize {
  readonly textBytes: number;
  readonly dataBytes: number;
  /** Text, and the initial values of data. */
  readonly flashBytes: number;
  /** Data, .bss and stack: all that is not pool. */
  readonly ramBytes: number;
  readonly stackBytes: number;
  /** What is left for WAMR and modules. */
  readonly poolBytes: number;
  readonly budget: { readonly flashBytes: number; readonly ramBytes: number };
}

/**
 * @param board of boards/ports, one without an operating system
 * @param image what buildFirmware made
 * @throws WamletError WAMLET_BUILD_FAILED where the tools cannot read the image
 */
export async function firmwareSize(board: string, image: string): Promise<FirmwareSize> {
  const { compiler, budget } = readPort(board);
  const output = async (name: string): Promise<string[]> => {
    const { stdout } = await promisify(execFile)(compiler.replace(/gcc$/, name), [image]);
    return stdout.split("\n");
  };
  try {
    const [, figures = ""] = await output("size");
    const [textBytes = NaN, dataBytes = NaN, staticBytes = NaN] = figures.trim().split(/\s+/).map(Number);
    const symbols = new Map(
      (await output("nm")).map((line) => {
        const [address = "", , name = ""] = line.split(" ");
        return [name, Number.parseInt(address, 16)];
      }),
    );
    const at = (name: string) => symbols.get(`machine_${name}`) ?? NaN;
    const size = {
      textBytes,
      dataBytes,
      flashBytes: textBytes + dataBytes,
      // .bss as `size` counts it holds the stack, which is an area of its own here.
      ramBytes: dataBytes + staticBytes,
      stackBytes: at("stack_top") - at("stack_bottom"),
      poolBytes: at("pool_end") - at("pool_start"),
    };
    if (Object.values(size).some(Number.isNaN)) throw new Error("it lacks what the linker script defines");
    return { ...size, budget };
  } catch (cause) {
    throw new WamletError(
      "WAMLET_BUILD_FAILED",
      `What ${image} takes cannot be read: ${(cause as Error).message.trim()}.`,
      "Delete the file and build it again.",
      { cause },
    );
  }
}
